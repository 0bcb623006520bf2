/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include <string.h>

#define BLANKS " \t\r\n"

/* Copy what is quoted, from behind the quote to behind its end.  NULL: there is
 * no end. */
static const char *copy_quoted(const char *s, char quote, char **to)
{
	for (; *s != '\0' && *s != quote; s++) {
		if (quote == '"' && *s == '\\' && (s[1] == '"' || s[1] == '\\'))
			s++;
		*(*to)++ = *s;
	}
	return *s == quote ? s + 1 : NULL;
}

/* Copy one word, with its NUL; NULL: it does not end well. */
static const char *copy_word(const char *s, char **to)
{
	while (s != NULL && *s != '\0' && strchr(BLANKS, *s) == NULL) {
		if (*s == '"' || *s == '\'') {
			s = copy_quoted(s + 1, *s, to);
			continue;
		}
		if (*s == '\\' && *++s == '\0')
			return NULL;
		*(*to)++ = *s++;
	}
	*(*to)++ = '\0';
	return s;
}

int words_split(struct words *w, const char *line)
{
	char *to = w->text;

	w->n = 0;
	w->at[0] = NULL;
	if (strlen(line) >= sizeof w->text)
		return ERR_LIMIT;
	for (;;) {
		line += strspn(line, BLANKS);
		if (*line == '\0')
			return 0;
		if (w->n == WORDS_MAX)
			return ERR_LIMIT;
		w->at[w->n++] = to;
		w->at[w->n] = NULL;
		/* A word takes no more room than it has in the line, with the
		 * blank or the NUL behind it. */
		line = copy_word(line, &to);
		if (line == NULL)
			return ERR_FORMAT;
	}
}
