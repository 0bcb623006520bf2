/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cred_env.h"
#include "cred_file.h"
#include "cred_imds.h"
#include "sqs_url.h"

#define QUEUE_NAME_MAX 80 /* characters, SQS API Reference, CreateQueue */
#define LABELS_MAX     8

/* A variable that is set and not empty, or NULL. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

static const char *non_empty(const char *s)
{
	return s != NULL && *s != '\0' ? s : NULL;
}

static bool is_region(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len < SQS_REGION_MAX && s[len] == '\0';
}

static bool is_queue_name(const char *s)
{
	size_t len = strspn(s,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-_");

	if (strcmp(s + len, ".fifo") == 0 && len + 5 <= QUEUE_NAME_MAX)
		return len > 0;
	return len > 0 && len <= QUEUE_NAME_MAX && s[len] == '\0';
}

static bool is_url(const char *queue)
{
	return strchr(queue, '/') != NULL || strchr(queue, ':') != NULL;
}

/* "/ACCOUNT/QUEUE", with whatever a proxy puts before. */
static bool is_queue_path(const char *path)
{
	size_t parts = 0, len;

	while (*path == '/') {
		len = strcspn(++path, "/");
		if (len == 0)
			return false;
		path += len;
		parts++;
	}
	return parts >= 2;
}

/* Cut host at its dots; 0 when there are more than LABELS_MAX labels. */
static size_t split_labels(char *host, const char *label[static LABELS_MAX])
{
	size_t n = 0;
	char *next;

	for (; host != NULL; host = next) {
		if (n == LABELS_MAX)
			return 0;
		next = strchr(host, '.');
		if (next != NULL)
			*next++ = '\0';
		label[n++] = host;
	}
	return n;
}

static bool ends_in(
    const char *const *label, size_t *n, const char *const *end, size_t end_n)
{
	if (*n <= end_n)
		return false;
	for (size_t i = 0; i < end_n; i++)
		if (strcmp(label[*n - end_n + i], end[i]) != 0)
			return false;
	*n -= end_n;
	return true;
}

/* The label that is the region, of a host without its DNS suffix. */
static const char *region_label(const char *const *label, size_t n)
{
	if (n == 2 &&
	    (strcmp(label[0], "sqs") == 0 || strcmp(label[0], "sqs-fips") == 0))
		return label[1];
	if (n == 2 && strcmp(label[1], "queue") == 0)
		return label[0];
	if (n == 4 && strcmp(label[1], "sqs") == 0 &&
	    strcmp(label[3], "vpce") == 0)
		return label[2];
	return NULL;
}

bool session_region_of(const char *url, char region[static SQS_REGION_MAX])
{
	static const char *const china[] = {"amazonaws", "com", "cn"};
	static const char *const world[] = {"amazonaws", "com"};
	static const char *const dual[] = {"api", "aws"};
	const char *label[LABELS_MAX], *found;
	struct sqs_url parts;
	char host[SQS_URL_MAX];
	size_t n;

	if (sqs_url_split(url, &parts) != 0)
		return false;
	(void)snprintf(host, sizeof host, "%s", parts.host);
	host[strcspn(host, ":")] = '\0';
	n = split_labels(host, label);
	if (!ends_in(label, &n, china, 3) && !ends_in(label, &n, world, 2) &&
	    !ends_in(label, &n, dual, 2))
		return false;
	found = region_label(label, n);
	if (found == NULL || !is_region(found))
		return false;
	(void)snprintf(region, SQS_REGION_MAX, "%s", found);
	return true;
}

/* A failure that means "not there" becomes one that says what to set. */
static int missing(int rc, const char *what, struct err *err)
{
	struct err why = *err;

	if (rc != ERR_ABSENT)
		return rc;
	return err_set(
	    err, ERR_CONFIG, "%s (asked EC2 metadata: %.200s)", what, why.text);
}

static int find_queue(struct session *s, const struct session_config *cfg,
    char queue[static SQS_URL_MAX], int64_t deadline, struct err *err)
{
	static const char how[] =
	    "no queue: give --queue, set \"queue\" in the configuration or the "
	    "instance tag " SESSION_QUEUE_TAG;
	const char *given = non_empty(cfg->queue);
	char tag[IMDS_TEXT_MAX];
	int rc;

	if (given == NULL && !cfg->queue_from_tag)
		return err_set(err, ERR_CONFIG,
		    "no queue: give --queue or set \"queue\" in the "
		    "configuration");
	if (given == NULL) {
		rc = imds_tag(s->imds, SESSION_QUEUE_TAG, tag, deadline, err);
		if (rc != 0)
			return missing(rc, how, err);
		given = tag;
	}
	if (strlen(given) >= SQS_URL_MAX)
		return err_set(err, ERR_CONFIG,
		    "queue: longer than %d characters", SQS_URL_MAX - 1);
	(void)snprintf(queue, SQS_URL_MAX, "%s", given);
	return 0;
}

/* *origin is the scheme and host of a queue that is a URL, "" otherwise. */
static int check_queue(
    const char *queue, struct sqs_url *parts, struct err *err)
{
	parts->origin[0] = '\0';
	if (!is_url(queue)) {
		if (is_queue_name(queue))
			return 0;
		return err_set(err, ERR_CONFIG,
		    "queue \"%.128s\" is no queue name (up to %d of A-Z a-z "
		    "0-9 - _, and .fifo) and no URL",
		    queue, QUEUE_NAME_MAX);
	}
	if (sqs_url_split(queue, parts) == 0 && is_queue_path(parts->path))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "queue \"%.200s\" is not a queue's URL: "
	    "https://HOST/ACCOUNT/QUEUE",
	    queue);
}

/* What was set, or NULL. */
static const char *find_endpoint(
    const struct session_config *cfg, const char *origin)
{
	const char *found = variable("AWS_ENDPOINT_URL_SQS");

	if (found == NULL)
		found = variable("AWS_ENDPOINT_URL");
	if (found == NULL)
		found = non_empty(cfg->endpoint_url);
	if (found == NULL)
		found = non_empty(origin);
	return found;
}

/* All places but the last one that asks the network. */
static bool find_region(struct session *s, const struct session_config *cfg,
    const char *origin, const char *endpoint)
{
	const char *set;

	if (endpoint != NULL && strcmp(endpoint, origin) == 0 &&
	    session_region_of(origin, s->region))
		return true;
	set = variable("AWS_REGION");
	if (set == NULL)
		set = variable("AWS_DEFAULT_REGION");
	if (set == NULL)
		set = non_empty(cfg->region);
	if (set != NULL) {
		/* Cut when too long, and refused by is_region() then. */
		(void)snprintf(s->region, sizeof s->region, "%s",
		    strlen(set) < sizeof s->region ? set : "?");
		return true;
	}
	return (endpoint != NULL && session_region_of(endpoint, s->region)) ||
	       session_region_of(origin, s->region) ||
	       cred_file_region(s->file, s->region, sizeof s->region) == 0;
}

static int set_region(struct session *s, const struct session_config *cfg,
    const char *origin, const char *endpoint, int64_t deadline, struct err *err)
{
	char text[IMDS_TEXT_MAX];
	int rc;

	if (!find_region(s, cfg, origin, endpoint)) {
		rc = imds_region(s->imds, text, deadline, err);
		if (rc != 0)
			return missing(rc,
			    "no region: set AWS_REGION or \"region\" in the "
			    "configuration",
			    err);
		(void)snprintf(s->region, sizeof s->region, "%.*s",
		    SQS_REGION_MAX - 1, text);
	}
	if (!is_region(s->region))
		return err_set(err, ERR_CONFIG,
		    "the region that is set is no name of a region, such as "
		    "eu-west-1");
	return 0;
}

static int set_endpoint(
    struct session *s, const char *endpoint, struct err *err)
{
	const char *suffix = strncmp(s->region, "cn-", 3) == 0
				 ? "amazonaws.com.cn"
				 : "amazonaws.com";

	if (endpoint == NULL)
		(void)snprintf(s->endpoint, sizeof s->endpoint,
		    "https://sqs.%s.%s", s->region, suffix);
	else if (strlen(endpoint) < sizeof s->endpoint)
		(void)snprintf(s->endpoint, sizeof s->endpoint, "%s", endpoint);
	else
		return err_set(err, ERR_CONFIG,
		    "endpoint: longer than %zu characters",
		    sizeof s->endpoint - 1);
	return 0;
}

static int open_client(
    struct session *s, const struct session_config *cfg, struct err *err)
{
	const char *bundle = variable("AWS_CA_BUNDLE");
	const struct http_config http = {
	    .ca_bundle = bundle != NULL ? bundle : cfg->ca_bundle,
	    .agent = cfg->agent,
	    .cancel_fd = cfg->cancel_fd,
	};
	const struct imds_config imds = {
	    .wait_for_route = cfg->wait_for_route,
	};
	struct cred_source sources[3];
	int rc;

	rc = http_new(&http, &s->http, err);
	if (rc == 0)
		rc = imds_new(s->http, s->clock, &imds, &s->imds, err);
	if (rc != 0)
		return rc;
	s->file = cred_file_new(cfg->profile);
	if (s->file == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	sources[0] = cred_env();
	sources[1] = cred_file_source(s->file);
	sources[2] = cred_imds(s->imds);
	s->chain = cred_chain_new(sources, 3, *s->clock);
	if (s->chain == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

static int open_queue(struct session *s, const struct session_config *cfg,
    const char *queue, int64_t deadline, struct err *err)
{
	struct sqs_config sqs = {
	    .endpoint = s->endpoint,
	    .region = s->region,
	    .wait_for_route = cfg->wait_for_route,
	};
	struct sqs_url parts;
	const char *endpoint;
	int rc = check_queue(queue, &parts, err);

	if (rc != 0)
		return rc;
	endpoint = find_endpoint(cfg, parts.origin);
	rc = set_region(s, cfg, parts.origin, endpoint, deadline, err);
	if (rc == 0)
		rc = set_endpoint(s, endpoint, err);
	if (rc == 0)
		rc = sqs_new(s->http, s->chain, s->clock, &sqs, &s->sqs, err);
	if (rc != 0)
		return rc;
	if (!is_url(queue))
		return sqs_queue_url(
		    s->sqs, queue, s->queue_url, deadline, err);
	(void)snprintf(s->queue_url, sizeof s->queue_url, "%s", queue);
	return 0;
}

int session_init(struct session *s, const struct session_config *cfg,
    const struct clock *clock, struct err *err)
{
	struct err own = {0};
	int rc;

	*s = (struct session){.clock = clock, .cfg = cfg};
	rc = open_client(s, cfg, err != NULL ? err : &own);
	if (rc == 0)
		cred_file_read_ahead(s->file);
	else
		session_close(s);
	return rc;
}

int session_open(struct session *s, int64_t deadline, struct err *err)
{
	char queue[SQS_URL_MAX];
	struct err own = {0};
	int rc;

	err = err != NULL ? err : &own;
	sqs_free(s->sqs);
	s->sqs = NULL;
	rc = find_queue(s, s->cfg, queue, deadline, err);
	if (rc == 0)
		rc = open_queue(s, s->cfg, queue, deadline, err);
	return rc;
}

/* For name look-ups (nss, resolvers), TLS and the C library itself. */
static const char *const system_files[] = {"/etc", "/usr", "/lib", "/lib64",
    "/bin", "/opt", "/nix", "/run/systemd", "/run/resolvconf",
    "/run/NetworkManager", "/run/nscd", "/run/nss", "/var/lib/ca-certificates",
    "/var/lib/sss", "/proc", "/sys/devices/system/cpu", "/dev/urandom",
    "/dev/random", "/dev/null"};

const char *const *session_readable(struct session *s)
{
	const char *bundle = http_ca_bundle(s->http);
	size_t n = 0;

	for (size_t i = 0; i < sizeof system_files / sizeof system_files[0];
	     i++)
		s->readable[n++] = system_files[i];
	if (bundle != NULL)
		s->readable[n++] = bundle;
	for (int k = 0; k < 2; k++)
		s->readable[n++] = cred_file_path(s->file, k);
	s->readable[n] = NULL;
	return s->readable;
}

void session_close(struct session *s)
{
	sqs_free(s->sqs);
	cred_chain_free(s->chain);
	cred_file_free(s->file);
	imds_free(s->imds);
	http_free(s->http);
	*s = (struct session){0};
}
