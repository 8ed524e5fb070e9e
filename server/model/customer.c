/* What is special to customers and to the people at them. */
#include "common/birthday.h"
#include "common/text.h"
#include "server/model/computed.h"
#include "server/model/draft.h"
#include "server/store/log.h"
#include <glib.h>

static bool all_digits(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!g_ascii_isdigit(text.data[i]))
			return false;
	return text.len > 0;
}

static void check_digits(struct draft *d, const char *field)
{
	if (draft_has(d, field) && !all_digits(draft_text(d, field)))
		draft_bad(d, field, "is not a number of digits only");
}

static void check_birthday(struct draft *d)
{
	enum birthday_keep keep = KEEP_AS_ENTERED;
	struct birthday b;
	char why[96];

	if (!draft_has(d, "birthday") || !birthday_parse(draft_text(d, "birthday"), &b, why))
		return;
	birthday_keep_from_code(draft_code(d, "birthday_calendar"), &keep);
	if (!birthday_keep_possible(&b, keep))
		draft_bad(d, "birthday_calendar", "cannot be kept without the year of birth");
}

/* Customer: who owns it */

static uint64_t of_user(struct draft *d, uint64_t user, const char *field)
{
	const struct entity *en = schema_entity_by_number(lookup_schema(d->w->lookup), ENTITY_USER);

	return model_number(en, lookup_fields(d->w->lookup, en, user), field);
}

static void follow_owner(struct draft *d, const char *field, uint64_t mine)
{
	uint64_t owner = draft_number(d, "owner"), v = mine;

	if (d->w->before ? !draft_changed(d, "owner") || !owner || draft_changed(d, field)
			 : draft_has(d, field))
		return;
	if (owner)
		v = of_user(d, owner, field);
	if (v)
		draft_set_number(d, field, v);
	else
		draft_clear(d, field);
}

void draft_follow_owner(struct draft *d)
{
	follow_owner(d, "team", d->w->team);
	follow_owner(d, "branch", d->w->branch);
}

static void note_ownership(struct draft *d)
{
	uint64_t was = draft_before(d, "owner"), is = draft_number(d, "owner");
	uint64_t now = zigzag(d->w->author->now_ms);

	if (!d->w->before || !was == !is)
		return;
	draft_set_number(d, is ? "claimed_at" : "pool_since", now);
	draft_clear(d, is ? "pool_since" : "claimed_at");
}

static void note_archive(struct draft *d)
{
	bool is = draft_number(d, "archived");

	if (!draft_changed(d, "archived") || is == draft_has(d, "archived_on"))
		return;
	if (is)
		draft_set_number(d, "archived_on", (uint64_t)d->w->today);
	else
		draft_clear(d, "archived_on");
}

/* The region that names the province. */
static void region_of_province(struct draft *d)
{
	const struct entity *en =
		schema_entity_by_number(lookup_schema(d->w->lookup), ENTITY_REGION);
	const struct field *provinces = entity_field_named(en, "provinces");
	struct buf wire = BUF_INIT;
	uint64_t id;

	if (draft_has(d, "region") || !draft_changed(d, "province") || !draft_has(d, "province"))
		return;
	record_add_text(&wire, provinces->tag, draft_text(d, "province"));
	if (store_find_equal(d->w->txn, en, provinces, buf_bytes(&wire), 0, &id, 1) &&
		lookup_there(d->w->lookup, en, id))
		draft_set_number(d, "region", id);
	buf_free(&wire);
}

static void customer_prepare(struct draft *d)
{
	draft_follow_owner(d);
	note_ownership(d);
	note_archive(d);
	region_of_province(d);
}

/* Customer: what it must have */

/* One part of a required set, "name" or "phone|mobile": a value that could not be parsed counts as given. */
static void check_any_of(struct draft *d, const char *part, size_t len)
{
	char *names = g_strndup(part, len);
	char **list = g_strsplit(names, "|", -1);
	bool found = false;

	for (char **p = list; *p && !found; p++) {
		const struct field *f = entity_field(d->w->entity, text_trim(bytes_str(*p)));
		found = !f || record_has(draft_bytes(d), f->tag) || draft_is_bad(d, f->name);
	}
	if (!found && list[1])
		draft_bad(d, g_strstrip(list[0]), "is missing: one of %s is needed", names);
	else if (!found)
		draft_bad(d, g_strstrip(list[0]), "is missing");
	g_strfreev(list);
	g_free(names);
}

static void check_required_set(struct draft *d)
{
	char name[64];
	char *set;

	g_snprintf(name, sizeof(name), "required.customer.%s", draft_code(d, "kind"));
	set = bytes_dup(lookup_setting(d->w->lookup, name));
	for (const char *p = set; *p; p += strcspn(p, ","), p += *p == ',')
		check_any_of(d, p, strcspn(p, ","));
	free(set);
}

static void check_postcode(struct draft *d)
{
	struct bytes code = draft_text(d, "postcode"), country = draft_text(d, "country");
	bool china = !country.len || bytes_equal_str(country, "中国") ||
		     bytes_equal_str(country, "China") || bytes_equal_str(country, "CN");

	if (code.len && china && (code.len != 6 || !all_digits(code)))
		draft_bad(d, "postcode", "is not six digits");
}

static void check_id_card(struct draft *d)
{
	struct bytes text = draft_text(d, "id_card_number");
	bool right = text.len == 15 && all_digits(text);

	if (text.len == 18)
		right = all_digits(bytes_of(text.data, 17)) &&
			(g_ascii_isdigit(text.data[17]) || g_ascii_toupper(text.data[17]) == 'X');
	if (text.len && !right)
		draft_bad(d, "id_card_number", "is not 15 digits, or 17 digits and a digit or X");
}

static void check_tax_number(struct draft *d)
{
	struct bytes text = draft_text(d, "tax_number");
	bool right = text.len <= 20;

	for (size_t i = 0; i < text.len; i++)
		right = right && g_ascii_isalnum(text.data[i]);
	if (!right)
		draft_bad(d, "tax_number", "is not up to 20 letters and digits");
}

static void check_birth_month(struct draft *d)
{
	struct bytes text = draft_text(d, "birth_month");
	struct buf day = BUF_INIT;
	civil_date date;

	if (!text.len)
		return;
	buf_add_bytes(&day, text);
	buf_add_str(&day, "-01");
	if (text.len != 7 || text.data[4] != '-' || !date_parse(buf_bytes(&day), &date))
		draft_bad(d, "birth_month", "is not a month such as 1987-07");
	buf_free(&day);
}

static void customer_check(struct draft *d)
{
	if (draft_before(d, "archived") && draft_number(d, "archived"))
		draft_bad(d, "archived", "is set: an archived customer is read-only");
	check_required_set(d);
	check_postcode(d);
	check_digits(d, "qq");
	check_id_card(d);
	check_tax_number(d);
	check_birth_month(d);
	check_birthday(d);
}

/* Customer: what follows a change */

/* From the record itself. */
static void own_computed(struct txn *t, const struct stored *record, struct computed *out)
{
	const struct entity *entity = model_entity(t, ENTITY_CUSTOMER);
	bool owned = model_number(entity, record->fields, "owner") != 0;

	computed_bool(out, "is_valid",
		!entry_says(t, model_number(entity, record->fields, "status"), "phase", "gone"));
	computed_number(out, "ownership_state",
		entry_id(t, owned ? "ownership_state.owned" : "ownership_state.pool"));
}

static enum status customer_compute(
	struct txn *t, const struct stored *record, struct computed *out, struct error *e)
{
	enum status s;

	own_computed(t, record, out);
	s = work_compute_customer(t, record->id, out, e);
	if (!s)
		s = points_compute_customer(t, record->id, out, e);
	return s ? s : sales_compute_customer(t, record->id, out, e);
}

static enum status customer_computed(struct txn *t, const struct stored *after, struct error *e)
{
	struct computed c;

	computed_init(&c, t, ENTITY_CUSTOMER, after->id);
	own_computed(t, after, &c);
	return computed_write_over(&c, after, e);
}

/* One that comes back from the trash comes before its children: each of them adds to the sums again. */
static enum status customer_restored(struct txn *t, const struct stored *after, struct error *e)
{
	struct computed c;
	enum status s;

	computed_init(&c, t, ENTITY_CUSTOMER, after->id);
	s = customer_compute(t, after, &c, e);
	if (!s)
		s = computed_write(&c, e);
	computed_release(&c);
	return s;
}

/* How many customers a portfolio has. */
static enum status portfolio_count(struct txn *t, uint64_t portfolio, int64_t more, struct error *e)
{
	const struct entity *en = model_entity(t, ENTITY_PORTFOLIO);
	struct buf room = BUF_INIT;
	struct computed c;
	struct stored r;
	enum status s = STATUS_OK;

	if (read_live(t, en, portfolio, &room, &r)) {
		int64_t now = unzigzag(model_number(en, r.fields, "customer_count")) + more;
		computed_init(&c, t, ENTITY_PORTFOLIO, portfolio);
		computed_number(&c, "customer_count", zigzag(now));
		s = computed_write_over(&c, &r, e);
	}
	buf_free(&room);
	return s;
}

static enum status count_portfolios(struct txn *t, const struct entity *entity,
	const struct stored *before, const struct stored *after, struct error *e)
{
	uint64_t old =
		before && !before->deleted ? model_number(entity, before->fields, "portfolio") : 0;
	uint64_t new = after->deleted ? 0 : model_number(entity, after->fields, "portfolio");
	enum status s = STATUS_OK;

	if (old == new)
		return STATUS_OK;
	if (old)
		s = portfolio_count(t, old, -1, e);
	return s || !new ? s : portfolio_count(t, new, 1, e);
}

struct handover {
	struct txn *txn;
	const struct author *author;
	const struct entity *contact;
	uint64_t from, to;
};

static enum status hand_over(void *arg, const struct stored *record, struct error *e)
{
	const struct handover *h = arg;

	if (model_number(h->contact, record->fields, "owner") != h->from)
		return STATUS_OK;
	return put_number(h->txn, h->author, h->contact, record, "owner", h->to, false, e);
}

/* Contacts of the old owner go to the new one: their birthdays remind whoever is in charge. */
static enum status customer_transfer(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	struct handover h = { .txn = t,
		.author = author,
		.contact = model_entity(t, ENTITY_CONTACT),
		.from = model_number(entity, before->fields, "owner"),
		.to = model_number(entity, after->fields, "owner") };

	return each_of(t, h.contact, "customer", after->id, hand_over, &h, e);
}

static enum status customer_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	bool fresh = !before || before->deleted;
	bool moved = !fresh && value_changed(entity, before, after, "owner");
	enum status s = count_portfolios(t, entity, before, after, e);

	if (s || after->deleted)
		return s;
	if (before && before->deleted)
		s = customer_restored(t, after, e);
	else if (fresh || moved || value_changed(entity, before, after, "status"))
		s = customer_computed(t, after, e);
	if (!s && moved && !last_was_undo(t, entity, after->id))
		s = customer_transfer(t, author, entity, before, after, e);
	return s;
}

const struct hooks customer_hooks = { .entity = ENTITY_CUSTOMER,
	.compute = customer_compute,
	.prepare = customer_prepare,
	.check = customer_check,
	.after = customer_after };

/* Contacts: exactly one is the primary one */

struct primary {
	const struct entity *contact;
	uint64_t except;
	uint64_t oldest; /* live contact, 0 none */
	uint64_t primary;
};

static enum status primary_seen(void *arg, const struct stored *record, struct error *e)
{
	struct primary *p = arg;

	if (record->id == p->except)
		return STATUS_OK;
	if (!p->oldest)
		p->oldest = record->id;
	if (!p->primary && model_number(p->contact, record->fields, "is_primary"))
		p->primary = record->id;
	return p->primary ? STATUS_PENDING : STATUS_OK; /* ends the walk: both are known */
}

static enum status find_primary(
	struct txn *t, uint64_t customer, uint64_t except, struct primary *p, struct error *e)
{
	enum status s;

	*p = (struct primary){ .contact = model_entity(t, ENTITY_CONTACT), .except = except };
	s = each_of(t, p->contact, "customer", customer, primary_seen, p, e);
	return s == STATUS_PENDING ? STATUS_OK : s;
}

static void contact_prepare(struct draft *d)
{
	bool moved = d->w->before && draft_changed(d, "customer");
	struct primary p;

	if ((d->w->before && !moved) || draft_is_bad(d, "customer"))
		return;
	d->failed = find_primary(d->w->txn, draft_number(d, "customer"), d->w->id, &p, d->e);
	if (!d->failed && (moved || !p.primary))
		draft_set_number(d, "is_primary", !p.primary);
}

/* The customer that a merge gives it to keeps its own primary contact. */
static void contact_moved(struct draft *d)
{
	struct primary p;

	if (!draft_changed(d, "customer") || !draft_number(d, "is_primary"))
		return;
	d->failed = find_primary(d->w->txn, draft_number(d, "customer"), d->w->id, &p, d->e);
	if (!d->failed && p.primary)
		draft_set_number(d, "is_primary", false);
}

static void contact_check(struct draft *d)
{
	if (draft_before(d, "is_primary") && !draft_number(d, "is_primary") &&
		!draft_changed(d, "customer"))
		draft_bad(
			d, "is_primary", "cannot be cleared: name another contact primary instead");
	check_digits(d, "qq");
	check_birthday(d);
}

static enum status set_primary(
	struct txn *t, const struct author *author, uint64_t id, bool yes, struct error *e)
{
	const struct entity *en = model_entity(t, ENTITY_CONTACT);
	struct buf room = BUF_INIT;
	struct stored r;
	enum status s = STATUS_OK;

	if (read_live(t, en, id, &room, &r))
		s = put_number(t, author, en, &r, "is_primary", yes, true, e);
	buf_free(&room);
	return s;
}

/* The customer lost its primary contact: the oldest that remains is it. */
static enum status promote(struct txn *t, const struct author *author, uint64_t customer,
	uint64_t except, struct error *e)
{
	struct buf room = BUF_INIT;
	struct stored r;
	struct primary p;
	bool live = read_live(t, model_entity(t, ENTITY_CUSTOMER), customer, &room, &r);
	enum status s = STATUS_OK;

	buf_free(&room);
	if (live)
		s = find_primary(t, customer, except, &p, e);
	if (live && !s && !p.primary && p.oldest)
		s = set_primary(t, author, p.oldest, true, e);
	return s;
}

/* A contact came to its customer, or became the primary one. The first one is primary by itself. */
static enum status contact_arrived(struct txn *t, const struct author *author,
	const struct stored *after, uint64_t customer, bool primary, struct error *e)
{
	struct primary p;
	enum status s = find_primary(t, customer, after->id, &p, e);

	if (s || primary == !p.primary)
		return s;
	if (primary)
		return set_primary(t, author, p.primary, false, e);
	return set_primary(t, author, after->id, true, e);
}

static enum status contact_after(struct txn *t, const struct author *author,
	const struct entity *entity, const struct stored *before, const struct stored *after,
	struct error *e)
{
	bool was_live = before && !before->deleted;
	uint64_t old = was_live ? model_number(entity, before->fields, "customer") : 0;
	uint64_t new = after->deleted ? 0 : model_number(entity, after->fields, "customer");
	bool was = was_live && model_number(entity, before->fields, "is_primary");
	bool is = model_number(entity, after->fields, "is_primary");
	enum status s = STATUS_OK;

	if (was && old && old != new)
		s = promote(t, author, old, after->id, e);
	/* One that comes out of the trash may stand before the primary one that comes with it: contact_settle. */
	if (!s && new && (is ? !was || old != new : old != new && !(before && before->deleted)))
		s = contact_arrived(t, author, after, new, is, e);
	return s;
}

static enum status contact_settle(
	struct txn *t, const struct author *author, const struct stored *record, struct error *e)
{
	uint64_t customer =
		model_number(model_entity(t, ENTITY_CONTACT), record->fields, "customer");

	return promote(t, author, customer, 0, e);
}

const struct hooks contact_hooks = { .entity = ENTITY_CONTACT,
	.compute = work_compute_contact,
	.prepare = contact_prepare,
	.moved = contact_moved,
	.check = contact_check,
	.after = contact_after,
	.settle = contact_settle };
