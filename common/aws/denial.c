/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/denial.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* How a text begins to name each kind: "policy" may be in the plural. */
static const struct {
	const char *name;
	enum denial_policy policy;
} kinds[] = {
    {"identity-based polic", DENIAL_IDENTITY},
    {"resource-based polic", DENIAL_RESOURCE},
    {"role trust polic", DENIAL_RESOURCE},
    {"permissions boundar", DENIAL_BOUNDARY},
    {"session polic", DENIAL_SESSION},
    {"service control polic", DENIAL_ORGANIZATION},
    {"resource control polic", DENIAL_ORGANIZATION_RESOURCE},
    {"VPC endpoint polic", DENIAL_ENDPOINT},
};

/* Up to white space, without the quotation marks around it and the stop or
 * comma behind it. */
static struct denial_word take_word(const char *s)
{
	struct denial_word w;

	s += strspn(s, " \"'`");
	w = (struct denial_word){s, (int)strcspn(s, " \t\n\"'`")};
	while (w.len > 0 && strchr(".,;:)", s[w.len - 1]) != NULL)
		w.len--;
	return w;
}

struct denial_word denial_word_of(const char *word)
{
	return (struct denial_word){word, (int)strlen(word)};
}

static struct denial_word word_behind(const char *text, const char *before)
{
	const char *at = strcasestr(text, before);

	return at != NULL ? take_word(at + strlen(before))
			  : (struct denial_word){"", 0};
}

static enum denial_policy kind_at(const char *s)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strncasecmp(s, kinds[i].name, strlen(kinds[i].name)) == 0)
			return kinds[i].policy;
	return DENIAL_UNTOLD;
}

/* "with an explicit deny", or "... in an identity-based policy: ARN" */
static void read_deny(struct denial *d, const char *s)
{
	static const char *const articles[] = {" in a ", " in an ", " in the "};

	d->by_deny = true;
	for (size_t i = 0; i < COUNT(articles); i++) {
		const size_t len = strlen(articles[i]);

		if (strncasecmp(s, articles[i], len) == 0)
			d->policy = kind_at(s + len);
	}
	s += strcspn(s, ":.");
	if (d->policy != DENIAL_UNTOLD && strncmp(s, ": arn:", 6) == 0)
		d->which = take_word(s + 2);
}

void denial_read(struct denial *d, const char *text)
{
	static const char deny[] = "explicit deny", none[] = " no ";
	const char *at = strcasestr(text, deny);

	*d = (struct denial){
	    .action = word_behind(text, "authorized to perform: "),
	    .resource = word_behind(text, "on resource: ")};
	if (at != NULL) {
		read_deny(d, at + strlen(deny));
		return;
	}
	while (d->policy == DENIAL_UNTOLD &&
	       (at = strcasestr(at != NULL ? at + 1 : text, none)) != NULL)
		d->policy = kind_at(at + strlen(none));
}

struct denial_word denial_find_arn(const char *text, const char *service)
{
	const char *at = text;
	size_t len = strlen(service);

	while ((at = strstr(at, "arn:")) != NULL) {
		const char *name = at + 4 + strcspn(at + 4, ": ");

		if (*name == ':' && strncmp(name + 1, service, len) == 0 &&
		    name[1 + len] == ':')
			return take_word(at);
		at += 4;
	}
	return (struct denial_word){"", 0};
}

/* ---- the remedy */

/* ACTION and RESOURCE stand behind before; the place of the policy follows,
 * with its name for a resource's own one, the source of the credentials where
 * it is about their identity, and what else there is to know. */
struct remedy {
	const char *before, *place;
	bool about_identity;
	const char *more;
};

#define IDENTITY  " of the identity of the credentials"
#define ADMIN     "have the organization's administrator "
#define OVERRULES ": no Allow elsewhere overrules it"

static const struct remedy allows[] = {
    [DENIAL_UNTOLD] = {"allow ", " to the identity of the credentials", true,
	"; from another account in the resource's own policy, too"},
    [DENIAL_IDENTITY] = {"allow ", " in a policy" IDENTITY, true, ""},
    [DENIAL_RESOURCE] = {"allow ",
	" to the identity of the credentials in the ", false, ""},
    [DENIAL_BOUNDARY] = {"allow ", " in the permissions boundary" IDENTITY,
	true, ", too: its own policies do not suffice"},
    [DENIAL_SESSION] = {"allow ",
	" in the session policy with which the credentials were made", true,
	", too: the role's own policies do not suffice"},
    [DENIAL_ORGANIZATION] = {ADMIN "allow ",
	" in the service control policies (SCP): no policy of the account "
	"itself can",
	false, ""},
    [DENIAL_ORGANIZATION_RESOURCE] = {ADMIN "allow ",
	" in the resource control policies (RCP): no policy of the account "
	"itself can",
	false, ""},
    [DENIAL_ENDPOINT] = {"allow ",
	" in the policy of the VPC endpoint that the request came through",
	false, ": a policy of the identity does not help"},
};

static const struct remedy denies[] = {
    [DENIAL_UNTOLD] = {"find the policy that denies ",
	", which may be one of the identity, of the resource, of the VPC "
	"endpoint or of the organization",
	false, OVERRULES},
    [DENIAL_IDENTITY] = {"take the Deny of ", " out of the policy" IDENTITY,
	true, OVERRULES},
    [DENIAL_RESOURCE] = {"take the Deny of ", " out of the ", false, OVERRULES},
    [DENIAL_BOUNDARY] = {"take the Deny of ",
	" out of the permissions boundary" IDENTITY, true, OVERRULES},
    [DENIAL_SESSION] = {"take the Deny of ",
	" out of the session policy with which the credentials were made", true,
	OVERRULES},
    [DENIAL_ORGANIZATION] = {ADMIN "take the Deny of ",
	" out of the service control policy (SCP)", false, OVERRULES},
    [DENIAL_ORGANIZATION_RESOURCE] = {ADMIN "take the Deny of ",
	" out of the resource control policy (RCP)", false, OVERRULES},
    [DENIAL_ENDPOINT] = {"take the Deny of ",
	" out of the policy of the VPC endpoint that the request came through",
	false, OVERRULES},
};

static bool is_of_service(struct denial_word arn, const char *service)
{
	const struct denial_word found = denial_find_arn(arn.at, service);

	return arn.len > 0 && found.at == arn.at;
}

static bool is_kms_key(const struct denial *d)
{
	/* What KMS does without a key is allowed on "*". */
	if (d->resource.len == 1 && *d->resource.at == '*')
		return false;
	return is_of_service(d->resource, "kms") ||
	       (d->action.len > 4 && strncasecmp(d->action.at, "kms:", 4) == 0);
}

void denial_advise(const struct denial *d, const char *own, const char *source,
    char *out, size_t size)
{
	const struct remedy *r =
	    d->by_deny ? &denies[d->policy] : &allows[d->policy];
	const bool kms = is_kms_key(d);
	const char *more = r->more;
	char from[128] = "";

	if (d->policy != DENIAL_RESOURCE)
		own = "";
	else if (kms)
		own = "key policy";
	if (kms && !d->by_deny && d->policy == DENIAL_IDENTITY)
		more = ", or in the key policy";
	if (r->about_identity)
		(void)snprintf(from, sizeof from, " (%s)", source);
	(void)snprintf(out, size, "%s%.*s on %.*s%s%s%s%.*s%s%s", r->before,
	    d->action.len, d->action.at, d->resource.len, d->resource.at,
	    r->place, own, d->which.len > 0 ? " " : "", d->which.len,
	    d->which.at != NULL ? d->which.at : "", from, more);
}
