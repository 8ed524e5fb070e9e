/* Verifying the log, what finds its entries, and the records against it. */
#include "server/store/check.h"

static void check_finders(struct check *c, const struct log_entry *l)
{
	unsigned long long seq = l->seq;

	if (l->entity && l->id) {
		struct key hist = key_hist(l->entity, l->id, l->seq);
		if (!check_has(c, SPACE_HIST, &hist))
			check_damage(
				c, "log entry %llu is missing in the history of its record", seq);
	}
	if (l->operation) {
		struct key oper = key_number(l->operation);
		if (posting_has(c->t, SPACE_OPER, key_bytes(&oper), l->seq))
			c->expected[SPACE_OPER]++;
		else
			check_damage(c, "log entry %llu is missing in its operation", seq);
	}
	struct key rec = key_record(l->entity, l->id);
	if (l->kind == LOG_ADD && !txn_has(c->t, SPACE_REC, key_bytes(&rec)) &&
		!log_purged(c->t, l->entity, l->id))
		check_damage(c, "record %llu of entity %u is gone, but log entry %llu adds it",
			(unsigned long long)l->id, l->entity, seq);
}

static void check_entries(struct check *c, uint64_t from)
{
	struct key start = key_number(from);
	struct bytes none = { 0 }, key;
	struct log_entry l;
	struct walk *w;

	if (walk_open(c->t, SPACE_LOG, none, &w, NULL))
		return;
	walk_seek(w, key_bytes(&start));
	while (walk_next(w, &key)) {
		if (key.len != 8 || walk_value(w, &c->scratch, NULL) ||
			!log_entry_parse(get_be64(key.data), buf_bytes(&c->scratch), &l))
			continue;
		c->counts.log_entries++;
		check_finders(c, &l);
		struct key body = key_number(l.seq);
		check_has(c, SPACE_BODY, &body);
	}
	walk_close(&w);
}

void check_log(struct check *c, uint64_t from)
{
	uint64_t at = from;
	struct error e;

	error_init(&e);
	for (int i = 0; i < 100; i++) {
		uint64_t bad = log_verify(c->t, at, &e);
		if (!bad)
			break;
		check_damage(c, "%s", e.message);
		at = bad + 1;
	}
	error_clear(&e);
	check_entries(c, from);
}

/* Finders that no entry asks for. */
static void extras(struct check *c, enum space s)
{
	struct bytes none = { 0 }, key;
	struct log_entry l;
	struct walk *w;

	if (c->stored[s] <= c->expected[s] || walk_open(c->t, s, none, &w, NULL))
		return;
	while (walk_next(w, &key)) {
		uint64_t seq = key.len < 8 ? 0 : get_be64(key.data + key.len - 8);
		if (log_read(c->t, seq, &l, &c->scratch, NULL, NULL))
			check_damage(c, "%s names log entry %llu, which is not there",
				space_names[s], (unsigned long long)seq);
	}
	walk_close(&w);
	check_damage(c, "%s has %llu rows too many", space_names[s],
		(unsigned long long)(c->stored[s] - c->expected[s]));
}

/* The same for the lists of operations. */
static void operation_extras(struct check *c)
{
	struct bytes none = { 0 };
	struct posting_walk *w;
	struct log_entry l;
	uint64_t seq;

	if (c->stored[SPACE_OPER] <= c->expected[SPACE_OPER] ||
		posting_open_all(c->t, SPACE_OPER, none, &w, NULL))
		return;
	while (posting_next(w, &seq))
		if (log_read(c->t, seq, &l, &c->scratch, NULL, NULL))
			check_damage(c, "oper names log entry %llu, which is not there",
				(unsigned long long)seq);
	posting_close(&w);
	check_damage(c, "oper has %llu entries too many",
		(unsigned long long)(c->stored[SPACE_OPER] - c->expected[SPACE_OPER]));
}

void check_log_extras(struct check *c)
{
	extras(c, SPACE_HIST);
	operation_extras(c);
	extras(c, SPACE_BODY);
}

/* The newest entry that changed the record; 0 if there is none. */
static uint64_t last_change(struct check *c, const struct shape *sh, uint64_t id,
	struct log_entry *l, struct log_body *body)
{
	uint64_t seqs[16], before = 0;
	size_t n;

	do {
		n = log_of_record(c->t, sh->entity, id, before, seqs, 16);
		for (size_t i = 0; i < n; i++)
			if (!log_read(c->t, seqs[i], l, &c->scratch, body, NULL) &&
				l->kind <= LOG_MERGE)
				return seqs[i];
		before = n ? seqs[n - 1] : 0;
	} while (before > 1);
	return 0;
}

void check_record_log(
	struct check *c, const struct shape *sh, uint64_t id, uint64_t version, struct bytes fields)
{
	unsigned long long number = id;
	uint8_t hash[LOG_HASH];
	struct log_entry l;
	struct log_body body;

	if (!last_change(c, sh, id, &l, &body)) {
		check_damage(c, "%s \"%llu\" stands without a log entry", sh->entity->name, number);
		return;
	}
	if (l.version != version)
		check_damage(c, "%s \"%llu\" has version %llu, but the log knows version %llu",
			sh->entity->name, number, (unsigned long long)version,
			(unsigned long long)l.version);
	log_hash(fields, hash);
	if (body.after_hash.len && !bytes_equal(body.after_hash, bytes_of(hash, LOG_HASH)))
		check_damage(c, "%s \"%llu\" is not what the log says was written",
			sh->entity->name, number);
}
