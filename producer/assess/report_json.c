/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/report.h"

#include "json/writer.h"

#define JSON_MAX ((size_t)65536)

/* Decimals are those of ent(1) and of NIST's tool. */
static void put_statistics(
    struct json_writer *w, const struct statistics_result *s)
{
	json_begin_object(w, "ent");
	json_put_number(w, "entropy", s->entropy, 6);
	json_put_integer(w, "optimum_compression_percent", s->compression);
	json_put_number(w, "chi_square", s->chi_square, 6);
	json_put_number(w, "chi_square_exceeded_percent", s->exceeded, 2);
	json_put_number(w, "mean", s->mean, 6);
	json_put_number(w, "monte_carlo_pi", s->pi, 9);
	json_put_number(w, "monte_carlo_error_percent", s->error, 2);
	json_put_number(w, "serial_correlation", s->correlation, 6);
	json_end_object(w);
}

static void put_margins(struct json_writer *w, const struct report *r)
{
	json_begin_object(w, "health");
	json_put_number(w, "bits_per_byte", r->bits_per_byte, 6);
	json_put_integer(w, "message_bytes", r->block);
	json_put_boolean(w, "failed", report_has_failed(r));
	json_begin_array(w, "tests");
	for (unsigned i = 0; i < MARGIN_TESTS; i++) {
		json_begin_object(w, NULL);
		json_put_string(w, "name", margins_name((enum margin_test)i));
		json_put_integer(w, "most", r->margins.margin[i].most);
		json_put_integer(w, "cutoff", r->margins.margin[i].cutoff);
		json_end_object(w);
	}
	json_end_array(w);
	json_end_object(w);
}

static void put_estimates(struct json_writer *w, const struct estimates *e)
{
	json_begin_object(w, "estimates");
	json_put_number(w, "most_common_value", e->common, 15);
	json_put_number(w, "most_common_value_of_bits", e->common_of_bit, 15);
	json_put_number(w, "markov_of_bits", e->markov, 15);
	json_put_number(w, "least_per_byte", e->least, 15);
	json_end_object(w);
}

static void put_nist(struct json_writer *w, const struct nist *nist)
{
	json_begin_object(w, "nist");
	if (nist->known) {
		json_begin_array(w, "estimates");
		for (size_t i = 0; i < nist->n; i++) {
			json_begin_object(w, NULL);
			json_put_string(w, "name", nist->lines[i].name);
			json_put_number(w, "bits", nist->lines[i].value, 6);
			json_put_integer(w, "of", nist->lines[i].bits);
			json_end_object(w);
		}
		json_end_array(w);
		json_put_number(w, "h_original", nist->original, 6);
		json_put_number(w, "h_bitstring", nist->bitstring, 6);
		json_put_number(w, "least_per_byte", nist->least, 6);
	} else {
		json_put_string(w, "missing", nist->why);
	}
	json_end_object(w);
}

static void put_sample(struct json_writer *w, const struct report *r)
{
	const double seconds = (double)r->sample.ms / 1000;

	json_put_string(w, "source", r->path);
	json_put_string(w, "what", r->what);
	json_put_integer(w, "bytes", (int64_t)r->statistics.total);
	json_put_number(w, "seconds", seconds, 3);
	json_put_number(
	    w, "bytes_per_second", (double)r->sample.bytes / seconds, 0);
	json_put_string(w, "end", sample_explain(r->sample.end));
	json_put_boolean(w, "whole", r->sample.end == SAMPLE_WHOLE);
}

int report_print_json(const struct report *r, FILE *to)
{
	struct json_writer *w = json_writer_new();
	struct buf *out = buf_new(JSON_MAX);
	const char *notes[REPORT_NOTES + 1];
	int rc = out != NULL ? 0 : ERR_NOMEM;

	json_begin_object(w, NULL);
	put_sample(w, r);
	put_statistics(w, &r->result);
	put_margins(w, r);
	put_estimates(w, &r->estimates);
	put_nist(w, &r->nist);
	json_put_number(w, "recommended_bits_per_byte", r->recommended, 1);
	report_notes(r, notes);
	json_begin_array(w, "notes");
	for (size_t i = 0; notes[i] != NULL; i++)
		json_put_string(w, NULL, notes[i]);
	json_end_array(w);
	json_end_object(w);
	if (rc == 0)
		rc = json_writer_finish(w, out);
	if (rc == 0 && fprintf(to, "%s\n", buf_str(out)) < 0)
		rc = ERR_IO;
	buf_free(out);
	json_writer_free(w);
	return rc;
}
