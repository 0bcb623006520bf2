/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_OFFLINE_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_OFFLINE_H

#include "base/err.h"
#include "producer/conf.h"
#include "producer/offline/blocks.h"
#include "producer/offline/notify.h"
#include "producer/offline/signer.h"
#include "producer/offline/status.h"

/*
 * The half that holds the sources and the signing key.  It makes messages when
 * it is asked for some, and opens no network socket.
 */
struct producer_offline {
	const struct conf *conf;
	struct blocks blocks;
	struct signer signer;
	struct notify notify; /* the service manager, where there is one */
	struct producer_status status;
};

/* Open what conf names, and the status.  ERR_CONFIG, ERR_ABSENT, ERR_PERM,
 * ERR_IO, ERR_NOMEM. When the service manager cannot be reached, that is only
 * logged. */
int producer_offline_open(struct producer_offline *o, const struct conf *conf,
    struct err *err) MUST_CHECK;
void producer_offline_close(struct producer_offline *o);

/* The last of the status: what the run ended with. */
void producer_offline_end(
    struct producer_offline *o, int code, const struct err *err);

/*
 * Serve fd until the online half has ended (0) or cancel_fd is readable
 * (ERR_CANCELED).  A source that gives no bytes is logged, answered, and tried
 * again when the online half asks again.  ERR_SOURCE, ERR_ABSENT: no source can
 * give any to this process any more (blocks_end()); ERR_NOMEM, ERR_FORMAT (a
 * record that the online half cannot have sent), ERR_IO.  Where a service
 * manager waits to be told that this is ready, the sources are tested first,
 * and their failure ends it.
 */
int producer_offline_run(struct producer_offline *o, int fd, int cancel_fd,
    struct err *err) MUST_CHECK;

#endif
