/*
 * The description of the records: entities and their fields. One row describes a field, and
 * parsing, checking, indexing, queries, import, export, command line, screen, masking and reminders read that row.
 * The server builds a schema from its tables; the client receives it.
 */
#ifndef COMMON_SCHEMA_H
#define COMMON_SCHEMA_H

#include "common/arena.h"
#include "common/buf.h"
#include "common/error.h"
#include "guanxi.pb-c.h"

enum field_type {
	T_TEXT,
	T_LONG_TEXT,
	T_INTEGER,
	T_DECIMAL,  /* ten-thousandths */
	T_MONEY,    /* fen */
	T_PERCENT,  /* ten-thousandths */
	T_DATE,     /* YYYYMMDD */
	T_DATETIME, /* milliseconds since 1970, UTC */
	T_TIME,     /* minute of the day */
	T_BIRTHDAY, /* text as entered */
	T_BOOL,
	T_CHOICE, /* id of a dictionary entry */
	T_CHOICES,
	T_REF,
	T_REFS,
	T_REF_ANY, /* any_ref() */
	T_PHONE,
	T_EMAIL,
	T_URL,
	T_TAGS,
	T_TEXTS,
	T_INTEGERS,
	T_FILE, /* a message of its own: type_file.h */
	T_COUNT,
};

/* A record of any entity as one number, as T_REF_ANY has it; ids have 48 bits. */
#define ANY_ID_MAX ((UINT64_C(1) << 48) - 1)
static inline uint64_t any_ref(uint16_t entity, uint64_t id)
{
	return (uint64_t)entity << 48 | id;
}
static inline uint16_t any_ref_entity(uint64_t ref)
{
	return (uint16_t)(ref >> 48);
}
static inline uint64_t any_ref_id(uint64_t ref)
{
	return ref & ANY_ID_MAX;
}
/* The number of a record as text: digits only, 1 to ANY_ID_MAX. *id is changed only then. */
bool id_parse(struct bytes text, uint64_t *id);

enum field_class { CLASS_PUBLIC, CLASS_PERSONAL, CLASS_SENSITIVE, CLASS_COST };

/* Bits of struct field.flags; the low sixteen go to the client and stand in PROTOCOL.md. */
#define F_REQUIRED 0x0001u
#define F_UNIQUE 0x0002u
#define F_INDEXED 0x0004u  /* exact, range and sort without a scan */
#define F_SEARCH 0x0008u   /* found by search */
#define F_LIST 0x0010u     /* column of the default list */
#define F_COMPUTED 0x0020u /* by the server, read-only, kept in calc */
#define F_DEFAULTED 0x0040u
#define F_VIRTUAL 0x0080u  /* not stored in the record: id, version */
#define F_READONLY 0x0100u /* stored in the record, set by the server only */
#define F_RETIRED 0x0200u
#define F_NAME 0x0400u                /* sorted by pinyin */
#define F_LOOKUP 0x0800u              /* a unique text that may stand for the id */
#define F_PERSONAL_IF_PERSON 0x10000u /* class personal when the customer is a person */
#define F_UNAVAILABLE 0x20000u        /* refers to an entity that does not exist yet */
#define F_SAME_CUSTOMER                                                                            \
	0x40000u /* names a record of this one's customer, and gives it where none is set */
#define F_CLASSED 0x80000u /* class as the record's own field data_class says */

/* What happens to a record when the one that a reference names is deleted. */
enum on_delete { ON_DELETE_KEEP, ON_DELETE_CASCADE, ON_DELETE_REFUSE };

enum remind_source {
	REMIND_NONE,
	REMIND_BIRTHDAY, /* yearly, days ahead by setting birthday.days_before */
	REMIND_DATE,     /* on the date, days ahead by remind_days, at remind_time */
	REMIND_SERIES,   /* the reminder entity itself: repeat rule in its own fields */
};

/* The least and the greatest value of a number, in the units of its type. */
struct range {
	int64_t least, most;
};

/* How a value tells that two records are likely the same. */
enum match {
	MATCH_NONE,
	MATCH_VALUE, /* equal in normal form, of any entity's field of this type (of texts: of this name) */
	MATCH_NAME, /* of firms: equal without blanks, brackets, case and the words for the form of company */
	MATCH_BIRTHDAY, /* with the name that matches likewise */
};

/* Which day changes a record by itself: its hook "turned" is called when it begins. */
enum turn {
	TURN_NONE,
	TURN_ON,    /* the date */
	TURN_AFTER, /* the day after it */
};

struct field {
	uint16_t tag; /* never reused; 900-919 common to all entities, from 1000 up custom */
	uint16_t max; /* longest text in characters; 0: the type's */
	enum field_type type;
	enum field_class class;
	enum on_delete on_delete;
	enum remind_source remind;
	enum match match;
	enum turn turn; /* of a date */
	uint32_t flags;
	const char *name;
	const char *zh;
	const char *en;
	const char *alias;     /* further names of a column, separated by |, or NULL */
	const char *refers_to; /* entity of a reference, dictionary of a choice */
	const char *
		initial; /* with F_DEFAULTED: text, or @me @my-branch @my-team @today @now @number:C%06u @setting:NAME @default-entry @general-portfolio @REF (the same field of the record that REF names) @REF.FIELD; alternatives separated by |; @record (alone): the customer that the field record is or belongs to, whenever none is given */
	const char *remind_days;    /* field that holds the days ahead */
	const char *remind_time;    /* field that holds the local time */
	const char *remind_user;    /* field that names who is reminded */
	const char *remind_kind;    /* code in dictionary reminder_kind */
	const char *remind_setting; /* without remind_days: setting that holds the days ahead */
	const char *
		remind_workday; /* choice field that moves reminders off holidays; without: setting birthday.workday or, of other dates, reminder.workday */
	const struct range *range; /* NULL: every number */
	const char *not_before;    /* date field of this record that this date may not precede */
	const char *unique_with;   /* indexed field: no two records have the same two values */
	const char *only; /* with F_REQUIRED: "field=code", needed of such records only; or NULL */
	const char *
		needed_when; /* required then: "state=closed|answered", "ends_on" (set); several joined by & */
	const char *remind_until; /* field that ends the reminding once it is set */
};

/* Fields that every entity has. */
#define TAG_EXTERNAL_ID 900
#define TAG_CREATED_AT 901
#define TAG_UPDATED_AT 902
#define TAG_CREATED_BY 903
#define TAG_UPDATED_BY 904
#define TAG_DELETED_AT 905
#define TAG_DELETED_BY 906
#define TAG_ID 907
#define TAG_VERSION 908
#define TAG_CUSTOM 1000

#define E_SHARED 0x01u   /* seen by everybody who is logged in: branches, users, dictionaries */
#define E_ADMIN 0x02u    /* changed by administrators only */
#define E_READONLY 0x04u /* changed by the server only */
#define E_NO_DELETE 0x08u
#define E_ARCHIVE 0x10u /* has a field archived */
#define E_FINAL 0x20u   /* added, then never changed: a further record corrects it */
#define E_PRIVATE 0x40u /* a record that follows none is seen by its owner only */

struct entity {
	uint16_t number; /* never reused */
	uint16_t flags;
	const char *name;
	const char *zh;
	const char *en;
	const char *name_field;   /* names a record for people */
	const char *number_field; /* unique number or code, or NULL */
	const char *
		scope_fields; /* references whose scope this record follows, first set one wins, separated by |; or NULL */
	const char *owner_field;   /* field that names the owner, or NULL */
	const char *seen_by_field; /* besides: a user who sees the record (assignee), or NULL */
	const char *
		shared_field; /* besides: who else sees it, tags of users, roles, teams and branches, or a choice of scope that the record's team and branch fill; or NULL */
	const char *
		merged_field; /* reference to the record of this entity that it was merged into; or NULL: never merged */
	/* What who leaves is in charge of goes to another user, but for what is closed by this choice (attribute closed=yes of its entry), "" for all; NULL: it stays with who did it. */
	const char *handed_over;
	const struct field *fields; /* common fields included */
	size_t nfields;
};

struct schema;

/*
 * Builds a schema from tables that live as long as it. Each table ends with a field of tag 0; the common fields are
 * appended. Fails if a tag, name or label occurs twice or a reference names no entity (F_UNAVAILABLE excepted).
 */
struct entity_table {
	struct entity entity; /* fields and nfields unset */
	const struct field *rows;
};
enum status schema_build(
	const struct entity_table *tables, size_t n, struct schema **out, struct error *e);
/* A field besides those of the tables. */
struct extra_field {
	uint16_t entity;
	struct field field;
};
/*
 * The schema with more fields, behind those of their entities in the order given; copies what is new. base lives as long as it. Fails as
 * schema_build.
 */
enum status schema_extend(const struct schema *base, const struct extra_field *extra, size_t n,
	struct schema **out, struct error *e);
/* A schema from the server's message; copies all. */
enum status schema_from_message(
	const Guanxi__Schema *message, struct schema **out, struct error *e);
/* The message, without choices (the server adds them), in the arena. */
Guanxi__Schema *schema_to_message(const struct schema *s, struct arena *arena);
void schema_free(struct schema **s);

/* SHA-256-sized hash (32 bytes) over entities, fields, types, labels, classes. */
struct bytes schema_hash(const struct schema *s);

size_t schema_count(const struct schema *s);
const struct entity *schema_at(const struct schema *s, size_t i);
/* By identifier; '-' and '_' are the same. NULL if there is none. */
const struct entity *schema_entity(const struct schema *s, struct bytes name);
const struct entity *schema_entity_by_number(const struct schema *s, uint16_t number);

/* By identifier, label (zh, en; case folded) or alias; NULL if there is none. Retired ones are not found. */
const struct field *entity_field(const struct entity *en, struct bytes name);
const struct field *entity_field_by_tag(const struct entity *en, uint32_t tag);
static inline const struct field *entity_field_named(const struct entity *en, const char *name)
{
	return entity_field(en, bytes_str(name));
}
/* By identifier alone: for the program's own names, which many entities do not have. */
const struct field *entity_field_exact(const struct entity *en, const char *name);
/* The field that corrects the reading of a name (F_NAME): NAME_reading; NULL if there is none. */
const struct field *entity_field_reading(const struct entity *en, const struct field *f);
/* Nearest identifier for "did you mean", or NULL. */
const char *entity_field_suggest(const struct entity *en, struct bytes name);
const char *schema_entity_suggest(const struct schema *s, struct bytes name);

const char *field_class_name(enum field_class class);
/* The strictest class that a value of the field can have: a person's phone is personal, a company's is not. */
enum field_class field_strictest(const struct field *f);

#endif
