/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_STS_H
#define SQS_ENTROPY_AID_STS_H

/* Answers of STS. */

#define ROLE    "arn:aws:iam::123456789012:role/entropy"
#define SECRET  "<SecretAccessKey>secret/+=</SecretAccessKey>"
#define SESSION "<SessionToken>to&#43;ken&amp;</SessionToken>"
#define EXPIRES "<Expiration>2026-11-22T08:00:00Z</Expiration>"
#define PARTS   "<AccessKeyId> ASIA1 </AccessKeyId>" SECRET SESSION EXPIRES
#define IN(parts)                                                              \
	"<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/"           \
	"2011-06-15/\">\n <AssumeRoleResult><AssumedRoleUser>x"                \
	"</AssumedRoleUser><Credentials>" parts                                \
	"</Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define REFUSED(code, text)                                                    \
	"<ErrorResponse><Error><Type>Sender</Type><Code>" code                 \
	"</Code><Message>" text "</Message></Error></ErrorResponse>"

#endif
