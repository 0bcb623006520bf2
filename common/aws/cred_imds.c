/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_imds.h"

static int load_role(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	return imds_credentials(ctx, out, deadline, err);
}

struct cred_source cred_imds(struct imds *i)
{
	return (struct cred_source){
	    .name = "IMDS", .load = load_role, .ctx = i};
}
