/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_REFUSED_H
#define SQS_ENTROPY_AID_REFUSED_H

/* Runs this program with the option how, where OpenSSL's configuration wants
 * FIPS and no provider of the process is: with "--refused" there is none that
 * has an algorithm at all, with "--beside" there is the default one.  It must
 * end with 0. */
void refused_run(const char *how);

#endif
