/* SPDX-License-Identifier: Apache-2.0 */
/* Whether cloud-init runs the module, by the files that cloud-init reads.  They
 * are YAML, and looked at line by line: this tells what is likely. */
#include "agent/doctor.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define FILE_BYTES 262144
#define INSTANCE   "/var/lib/cloud/instance"
#define RUNTIME    "/run/cloud-init"
#define MODULE     "sqs_entropy"

/* What a file says, or all of several. */
struct said {
	bool list;      /* it has a list of the modules of the network stage */
	bool listed;    /* the module is in it */
	bool directive; /* the module has work to do */
};

static bool begins_key(const char *line, size_t len, const char *key)
{
	const size_t n = strlen(key);

	return len > n && strncmp(line, key, n) == 0 && line[n] == ':';
}

/* The list ends with the next key of the document. */
static void read_cloud_line(
    const char *line, size_t len, bool *in_list, struct said *said)
{
	if (begins_key(line, len, "cloud_init_modules")) {
		said->list = *in_list = true;
		said->listed =
		    memmem(line, len, MODULE, strlen(MODULE)) != NULL;
	} else if (*in_list && len > 0 && strchr(" -\t]#", line[0]) != NULL) {
		said->listed =
		    said->listed ||
		    (line[strspn(line, " \t")] != '#' &&
			memmem(line, len, MODULE, strlen(MODULE)) != NULL);
	} else if (len > 0) {
		*in_list = false;
	}
	said->directive = said->directive || begins_key(line, len, MODULE);
}

static void read_cloud_text(const char *text, struct said *said)
{
	bool in_list = false;

	while (*text != '\0') {
		const size_t len = strcspn(text, "\n");

		read_cloud_line(text, len, &in_list, said);
		text += len + (text[len] == '\n' ? 1 : 0);
	}
}

static void read_cloud_file(const char *path, struct said *said)
{
	struct buf *text = buf_new(FILE_BYTES);
	uint8_t *space;
	size_t len = 0;

	if (text != NULL && buf_extend(text, FILE_BYTES, &space) == 0 &&
	    file_read(path, space, FILE_BYTES - 1, &len) == 0) {
		space[len] = '\0';
		read_cloud_text((const char *)space, said);
	}
	buf_free(text);
}

static void read_cloud_files(const char *pattern, struct said *said)
{
	glob_t files;

	if (glob(pattern, 0, NULL, &files) == 0)
		for (size_t i = 0; i < files.gl_pathc; i++)
			read_cloud_file(files.gl_pathv[i], said);
	globfree(&files);
}

/* cloud-init reads these files in this order, and a later list replaces the
 * earlier ones. */
void agent_doctor_cloud_init(struct findings *all)
{
	struct said image = {.list = false}, user = {.list = false};
	const char *remedy =
	    "put [" MODULE ", once-per-instance] before ssh into it";

	if (access(RUNTIME, F_OK) != 0) {
		findings_not_asked(
		    all, "cloud-init", "cloud-init has not run here");
		return;
	}
	read_cloud_files("/etc/cloud/cloud.cfg", &image);
	read_cloud_files("/etc/cloud/cloud.cfg.d/*.cfg", &image);
	read_cloud_files(RUNTIME "/cloud.cfg", &image);
	read_cloud_files(INSTANCE "/*cloud-config.txt", &user);
	if (!image.directive && !user.directive)
		findings_not_asked(all, "cloud-init",
		    "nobody has given it a directive " MODULE);
	else if (user.list && !user.listed)
		findings_warn(all, "cloud-init", remedy,
		    "user-data or vendor-data replaces cloud_init_modules by a "
		    "list without " MODULE ", which runs after the SSH host "
		    "keys are made");
	else if (!user.listed && !image.listed)
		findings_fail(all, ERR_CONFIG, "cloud-init",
		    "/usr/libexec/sqs-entropy/cloud-init-module-list update",
		    "there is a directive " MODULE
		    ", but cloud_init_modules does not list it");
	else
		findings_ok(
		    all, "cloud-init", "cloud_init_modules lists " MODULE);
}
