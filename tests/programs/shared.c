/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared AWS files as they are read, for test_vectors_profile.py.  The
 * environment says which files.  A line each:
 *
 *	chosen NAME				the profile in force
 *	path CREDENTIALS CONFIG
 *	file					the credentials file, then
 *config KIND NAME [KEY [SUBKEY] VALUE]		profile, sso-session, services
 *	end					of the file
 *	error TEXT
 *
 * All words but the first are hexadecimal, "-" stands for no bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/shared.h"

static void print_word(const char *s)
{
	printf(*s != '\0' ? " " : " -");
	for (; *s != '\0'; s++)
		printf("%02x", (unsigned)(unsigned char)*s);
}

static void print_item(const struct shared_item *item)
{
	static const char *const kinds[] = {[SHARED_PROFILE] = "profile",
	    [SHARED_SSO_SESSION] = "sso-session",
	    [SHARED_SERVICES] = "services"};

	printf("%s", kinds[item->kind]);
	print_word(item->name);
	if (item->key != NULL)
		print_word(item->key);
	if (item->subkey != NULL)
		print_word(item->subkey);
	if (item->key != NULL)
		print_word(item->value);
	printf("\n");
}

static void print_shared(const struct shared *s)
{
	printf("chosen");
	print_word(shared_profile(s));
	printf("\npath");
	print_word(shared_path(s, SHARED_CREDENTIALS));
	print_word(shared_path(s, SHARED_CONFIG));
	printf("\n");
	for (enum shared_file k = SHARED_CREDENTIALS; k <= SHARED_CONFIG; k++) {
		struct shared_item item = {0};
		size_t at = 0;

		printf("file\n");
		while (shared_text_next(shared_text_of(s, k), &at, &item))
			print_item(&item);
		printf("end\n");
	}
}

int main(void)
{
	struct shared_files *files = shared_files_new(NULL);
	struct shared *s = NULL;
	struct err err = {0};

	if (files == NULL)
		return EXIT_FAILURE;
	if (shared_read(files, &s, &err) == 0) {
		print_shared(s);
	} else {
		printf("error");
		print_word(err.text);
		printf("\n");
	}
	shared_free(s);
	shared_files_free(files);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
