/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/token_file.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"

bool token_is_good(const char *s, size_t len, size_t max, bool spaces)
{
	if (len == 0 || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!text_is_graphic(&s[i], 1) && !(spaces && s[i] == ' '))
			return false;
	return true;
}

int token_file_read(const char *path, size_t max, bool spaces,
    const char *variable, struct buf *out, struct err *err)
{
	uint8_t *space;
	size_t len;
	int rc;

	buf_reset(out);
	rc = buf_extend(out, max + 2, &space);
	if (rc != 0)
		return err_set(err, rc, "out of memory");
	rc = file_read(path, space, max + 2, &len);
	if (rc == ERR_ABSENT)
		rc = err_set(err, ERR_CONFIG,
		    "there is no token file %s: check %s, and who writes the "
		    "file",
		    path, variable);
	else if (rc == ERR_IO)
		rc = err_errno(err, ERR_CONFIG,
		    "cannot read the token file %s of %s", path, variable);
	if (rc == ERR_CONFIG) {
		buf_reset(out);
		return rc;
	}
	while (len > 0 && space[len - 1] != '\0' &&
	       strchr(" \t\r\n", space[len - 1]) != NULL)
		len--;
	if (rc == 0 && token_is_good((const char *)space, len, max, spaces)) {
		buf_truncate(out, len);
		return 0;
	}
	buf_reset(out);
	return err_set(err, ERR_CONFIG,
	    "the token file %s of %s is not one line of 1 to %zu visible "
	    "characters: have it written anew",
	    path, variable, max);
}
