/* SPDX-License-Identifier: Apache-2.0 */
#include "json/document.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#define TRIES   20
#define WAIT_NS 5000000

static bool is_whole(const struct json *root)
{
	return !document_has(root, "serial_end") ||
	       document_number(root, "serial") ==
		   document_number(root, "serial_end");
}

static int read_once(
    struct document *d, const char *path, const char *what, struct err *err)
{
	int rc = file_read(path, d->text, sizeof d->text, &d->len);

	d->root = NULL;
	if (rc == ERR_ABSENT)
		return rc;
	if (rc != 0)
		return err_errno(err, rc, "cannot read %s", path);
	if (json_parse(d->text, d->len, &d->root) == 0 &&
	    json_is_object(d->root) && is_whole(d->root))
		return 0;
	document_close(d);
	return err_set(err, ERR_INTERNAL, "%s is damaged", what);
}

int document_read(
    struct document *d, const char *path, const char *what, struct err *err)
{
	const struct timespec pause = {.tv_nsec = WAIT_NS};
	int rc = read_once(d, path, what, err);

	/* Somebody may be writing it. */
	for (int i = 1; rc == ERR_INTERNAL && i < TRIES; i++) {
		(void)nanosleep(&pause, NULL);
		rc = read_once(d, path, what, err);
	}
	if (rc == 0)
		err->code = 0;
	return rc;
}

void document_close(struct document *d)
{
	json_free(d->root);
	d->root = NULL;
}

/* Of what is not printable only line feeds are between the values of JSON. */
void document_print(struct document *d, FILE *to)
{
	char *const end = d->text + d->len;

	for (char *line = d->text, *next; line < end; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			next = end;
		text_make_printable(line, (size_t)(next - line));
	}
	(void)fwrite(d->text, 1, d->len, to);
}

bool document_has(const struct json *object, const char *key)
{
	return json_get(object, key) != NULL;
}

int64_t document_number(const struct json *object, const char *key)
{
	int64_t n;

	return json_integer(json_get(object, key), &n) == 0 ? n : 0;
}

const char *document_text(const struct json *object, const char *key)
{
	const char *s = json_string(json_get(object, key));

	return s != NULL ? s : "";
}

void document_put(const struct json *object, const char *key, FILE *to)
{
	text_print(to, document_text(object, key));
}

/* True if both the document and the kernel tell a boot's id, and not the same:
 * the time since the boot may have passed that of a document which is older. */
static bool is_of_another_boot(const struct json *root)
{
	const char *boot = document_text(root, "boot");
	char now[CLOCK_BOOT_MAX];

	clock_boot(now);
	return boot[0] != '\0' && now[0] != '\0' && strcmp(boot, now) != 0;
}

int64_t document_age(const struct document *d)
{
	const int64_t written = document_number(d->root, "boottime");
	const int64_t now = clock_read(CLOCK_BOOTTIME);

	if (written < 0 || written > now || is_of_another_boot(d->root))
		return -1;
	return now - written;
}

int document_check_age(const struct document *d, long seconds, struct err *err)
{
	const int64_t age = document_age(d);

	if (seconds == 0 || (age >= 0 && age <= seconds * INT64_C(1000)))
		return 0;
	if (age < 0)
		return err_set(
		    err, ERR_EMPTY, "the status was written in another boot");
	return err_set(err, ERR_EMPTY,
	    "the status is %lld s old, and --max-age allows %ld s",
	    (long long)(age / 1000), seconds);
}
