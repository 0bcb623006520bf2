/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file: all or nothing, and every value within its bounds. */
#include <string.h>

#include "config/conffile.h"
#include "fuzz.h"

struct values {
	char text[16];
	long number;
	double ratio;
	int choice;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const choices[] = {"mix", "credit", "refuse", NULL};
	struct values v = {.text = "before", .number = 5, .ratio = 1};
	const struct values before = v;
	const struct conffile_row rows[] = {
	    CONFFILE_STRING_ROW("queue", v.text),
	    CONFFILE_LONG_ROW("messages", v.number, 1, 10),
	    CONFFILE_DOUBLE_ROW("bits-per-byte", v.ratio, 0, 8),
	    CONFFILE_CHOICE_ROW("unsigned", v.choice, choices),
	};
	struct err err = {0};
	int rc = conffile_read(
	    fuzz_file(data, len), rows, sizeof rows / sizeof rows[0], &err);

	if (rc != 0) {
		FUZZ_CHECK(memcmp(&v, &before, sizeof v) == 0);
		FUZZ_CHECK(err.code == rc && err.text[0] != '\0');
		return 0;
	}
	FUZZ_CHECK(memchr(v.text, '\0', sizeof v.text) != NULL);
	FUZZ_CHECK(v.number >= 1 && v.number <= 10);
	FUZZ_CHECK(v.ratio >= 0 && v.ratio <= 8);
	FUZZ_CHECK(v.choice >= 0 && v.choice <= 2);
	return 0;
}
