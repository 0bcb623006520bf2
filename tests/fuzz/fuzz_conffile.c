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
	char keys[3][8];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const choices[] = {"mix", "credit", "refuse", NULL};
	struct values v = {.text = "before", .number = 5, .ratio = 1};
	const struct values before = v;
	static const struct setting rows[] = {
	    {"queue", SETTING_STRING, SETTING_FILE,
		SETTING_MEMBER(struct values, text)},
	    {"messages", SETTING_LONG, SETTING_FILE, NULL, 1, 10,
		SETTING_MEMBER(struct values, number)},
	    {"bits-per-byte", SETTING_DOUBLE, SETTING_FILE, NULL, 0, 8,
		SETTING_MEMBER(struct values, ratio)},
	    {"unsigned", SETTING_CHOICE, SETTING_FILE, .choices = choices,
		SETTING_MEMBER(struct values, choice)},
	    {"keys", SETTING_LIST, SETTING_FILE, .max = 3,
		SETTING_MEMBER(struct values, keys)},
	};
	static const struct settings settings = {rows, 5, sizeof v};
	struct err err = {0};
	int lines[5];
	int rc =
	    conffile_read(fuzz_file(data, len), &settings, &v, lines, &err);

	if (rc != 0) {
		FUZZ_CHECK(memcmp(&v, &before, sizeof v) == 0);
		FUZZ_CHECK(err.code == rc && err.text[0] != '\0');
		return 0;
	}
	FUZZ_CHECK(memchr(v.text, '\0', sizeof v.text) != NULL);
	for (int i = 0; i < 3; i++)
		FUZZ_CHECK(memchr(v.keys[i], '\0', sizeof v.keys[i]) != NULL);
	FUZZ_CHECK(v.number >= 1 && v.number <= 10);
	FUZZ_CHECK(v.ratio >= 0 && v.ratio <= 8);
	FUZZ_CHECK(v.choice >= 0 && v.choice <= 2);
	return 0;
}
