/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/error.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/xml.h"
#include "json/parse.h"

#define NAMES_MAX 32

struct meaning {
	int code;
	enum sqs_remedy remedy;
	const char *names[NAMES_MAX]; /* NULL behind the last of fewer */
};

/*
 * By these names a request is refused before anything is done, but for those
 * that are SQS_REMEDY_RETRY_UNSURE.  Any other name, and every status without
 * one, may come from a service, or a proxy, that has done the work and lost
 * track of it.  From "Common errors" and "Errors" of the SQS API Reference,
 * the shapes of its service model, the authentication failures of Signature
 * Version 4, and the lists of the SDKs' standard retry mode: throttling, and
 * those that pass.  OverLimit lasts for minutes.  KMS counts by the second, so
 * that its throttling passes, although the SDKs do not list it; what else it
 * says of a key lasts until somebody changes the key or the queue.
 */
static const struct meaning meanings[] = {
    {ERR_DENIED, SQS_REMEDY_NONE,
	{"AccessDenied", "AccessDeniedException", "AuthorizationError",
	    "IncompleteSignature", "IncompleteSignatureException",
	    "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity",
	    "InvalidSignatureException", "KMS.AccessDeniedException",
	    "KmsAccessDenied", "MissingAuthenticationToken",
	    "MissingAuthenticationTokenException", "NotAuthorized",
	    "OptInRequired", "SignatureDoesNotMatch",
	    "SubscriptionRequiredException", "UnrecognizedClientException"}},
    {ERR_DENIED, SQS_REMEDY_CREDENTIALS,
	{"ExpiredToken", "ExpiredTokenException"}},
    {ERR_DENIED, SQS_REMEDY_CLOCK,
	{"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"}},
    {ERR_NOQUEUE, SQS_REMEDY_NONE,
	{"InvalidAddress", "NonExistentQueue", "QueueDoesNotExist"}},
    {ERR_CONFIG, SQS_REMEDY_NONE,
	{"KMS.DisabledException", "KMS.InvalidKeyUsageException",
	    "KMS.InvalidStateException", "KMS.KMSInvalidStateException",
	    "KMS.NotFoundException", "KMS.OptInRequired", "KmsDisabled",
	    "KmsInvalidKeyUsage", "KmsInvalidState", "KmsNotFound",
	    "KmsOptInRequired",
	    /* of Parameter Store */
	    "InvalidKeyId", "ParameterNotFound", "ParameterVersionNotFound"}},
    {ERR_LIMIT, SQS_REMEDY_NONE,
	{"BatchRequestTooLong", "RequestEntityTooLarge"}},
    {ERR_SERVICE, SQS_REMEDY_NONE,
	{"BatchEntryIdsNotDistinct", "EmptyBatchRequest", "InvalidAction",
	    "InvalidAttributeName", "InvalidAttributeValue",
	    "InvalidBatchEntryId", "InvalidIdFormat", "InvalidMessageContents",
	    "InvalidParameterCombination", "InvalidParameterValue",
	    "InvalidQueryParameter", "MalformedQueryString", "MissingAction",
	    "MissingParameter", "QueueDeletedRecently",
	    "ReceiptHandleIsInvalid", "SerializationException",
	    "TooManyEntriesInBatchRequest", "UnknownOperationException",
	    "UnsupportedOperation", "ValidationError", "ValidationException"}},
    {ERR_THROTTLED, SQS_REMEDY_NONE, {"OverLimit"}},
    {ERR_THROTTLED, SQS_REMEDY_RETRY,
	{"BandwidthLimitExceeded", "EC2ThrottledException",
	    "KMS.ThrottlingException", "KmsThrottled", "LimitExceededException",
	    "PriorRequestNotComplete", "ProvisionedThroughputExceededException",
	    "RequestLimitExceeded", "RequestThrottled",
	    "RequestThrottledException", "SlowDown", "ThrottledException",
	    "Throttling", "ThrottlingException", "TooManyRequestsException",
	    "TransactionInProgressException"}},
    {ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE,
	{"RequestTimeout", "RequestTimeoutException"}},
};

/* Of an answer without such a name. */
static const struct {
	int status;
	int code;
	enum sqs_remedy remedy;
} statuses[] = {
    {401, ERR_DENIED, SQS_REMEDY_NONE},
    {403, ERR_DENIED, SQS_REMEDY_NONE},
    {408, ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE},
    {413, ERR_LIMIT, SQS_REMEDY_NONE},
    {429, ERR_THROTTLED, SQS_REMEDY_RETRY_UNSURE},
    {500, ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE},
    {502, ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE},
    {503, ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE},
    {504, ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* "com.amazonaws.sqs#QueueDoesNotExist:http://...",
 * "AWS.SimpleQueueService.NonExistentQueue;Sender" */
static void set_name(struct sqs_error *e, const char *s)
{
	size_t len = strcspn(s, ":;"), used = 0;
	const char *hash = memchr(s, '#', len);

	if (hash != NULL) {
		len -= (size_t)(hash + 1 - s);
		s = hash + 1;
	}
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.' &&
		    (used != 3 || memcmp(e->name, "KMS", 3) != 0))
			used = 0;
		else if (used < sizeof e->name - 1)
			e->name[used++] = s[i];
	}
	e->name[used] = '\0';
}

/* A policy's name may be followed by a kilobyte that is to be decoded by STS:
 * what was said before is more, and has to fit. */
static void set_text(struct sqs_error *e, const char *s)
{
	const char *encoded = strcasestr(s, " Encoded authorization failure");
	size_t len = strlen(s);

	if (len >= sizeof e->text && encoded != NULL)
		len = (size_t)(encoded - s);
	text_shorten(e->text, sizeof e->text, s, len);
}

/* The printable text of an element; false when there is none. */
static bool read_element(
    const char *s, size_t len, const char *name, char *out, size_t size)
{
	const char *in;
	size_t in_len;

	if (!xml_find(s, len, name, &in, &in_len))
		return false;
	text_squeeze(out, size, in, in_len);
	return true;
}

static void read_json_body(struct sqs_error *e, const struct json *root)
{
	const char *name = json_string(json_get(root, "__type"));
	const char *text = json_string(json_get(root, "message"));

	if (name == NULL)
		name = json_string(json_get(root, "code"));
	if (text == NULL)
		text = json_string(json_get(root, "Message"));
	if (name != NULL)
		set_name(e, name);
	if (text != NULL)
		set_text(e, text);
}

/* XML, as the older protocol and STS answer, or the page of a proxy, of which
 * the beginning is enough. */
static void read_other_body(struct sqs_error *e, const char *s, size_t len)
{
	char name[SQS_ERROR_CODE_MAX], text[4 * SQS_ERROR_TEXT_MAX];

	if (read_element(s, len, "Code", name, sizeof name))
		set_name(e, name);
	if (read_element(s, len, "Message", text, sizeof text))
		set_text(e, text);
	else
		text_squeeze(e->text, TEXT_PAGE_MAX, s, len);
}

static const struct meaning *find_meaning(const char *name)
{
	for (size_t i = 0; i < COUNT(meanings); i++) {
		const char *const *names = meanings[i].names;

		for (size_t k = 0; k < NAMES_MAX && names[k] != NULL; k++)
			if (strcmp(names[k], name) == 0)
				return &meanings[i];
	}
	return NULL;
}

const char *sqs_error_scope(const struct sqs_error *e)
{
	static const char refused[] = "Credential should be scoped to ";
	const char *at = strstr(e->text, refused);

	return at != NULL ? at + strlen(refused) : NULL;
}

static void classify_error(struct sqs_error *e)
{
	const struct meaning *m = find_meaning(e->name);

	e->code = ERR_SERVICE;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		if (statuses[i].status == e->status) {
			e->code = statuses[i].code;
			e->remedy = statuses[i].remedy;
		}
	}
	if (m != NULL) {
		e->code = m->code;
		e->remedy = m->remedy;
		e->refused = m->remedy != SQS_REMEDY_RETRY_UNSURE;
	}
	/* SQS has no codes of its own for a wrong clock and a wrong region. */
	if (e->code == ERR_DENIED &&
	    (strncmp(e->text, "Signature expired", 17) == 0 ||
		strncmp(e->text, "Signature not yet current", 25) == 0))
		e->remedy = SQS_REMEDY_CLOCK;
	if (e->code == ERR_DENIED && sqs_error_scope(e) != NULL)
		e->code = ERR_CONFIG;
}

static void finish_error(struct sqs_error *e, const char *header)
{
	if (header != NULL && *header != '\0' && *header != ';')
		set_name(e, header);
	classify_error(e);
}

void sqs_error_json(struct sqs_error *e, int status, const char *header,
    const struct json *body)
{
	*e = (struct sqs_error){.status = status};
	read_json_body(e, body);
	finish_error(e, header);
}

void sqs_error_read(struct sqs_error *e, int status, const char *header,
    const void *body, size_t len)
{
	struct json *root;

	if (json_parse(body, len, &root) == 0) {
		sqs_error_json(e, status, header, root);
		json_free(root);
		return;
	}
	*e = (struct sqs_error){.status = status};
	read_other_body(e, body, len);
	finish_error(e, header);
}

void sqs_error_entry(
    struct sqs_error *e, const char *name, const char *text, bool sender_fault)
{
	*e = (struct sqs_error){0};
	if (name != NULL)
		set_name(e, name);
	if (text != NULL)
		set_text(e, text);
	classify_error(e);
	e->refused = e->refused || sender_fault;
	if (sender_fault)
		e->remedy = SQS_REMEDY_NONE;
	else if (!e->refused)
		e->remedy = SQS_REMEDY_RETRY_UNSURE;
}
