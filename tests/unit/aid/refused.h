/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_REFUSED_H
#define SQS_ENTROPY_AID_REFUSED_H

/* Runs this program with --refused, where OpenSSL's configuration wants FIPS
 * and no provider of the process is.  It must end with 0. */
void refused_run(void);

#endif
