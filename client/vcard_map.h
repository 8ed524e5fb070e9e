/* Which field a property of a vCard is. Fields are meant by name, of whatever entity has them. */
#ifndef CLIENT_VCARD_MAP_H
#define CLIENT_VCARD_MAP_H

#include "client/print.h"
#include "common/vcard.h"

struct vcard_rule {
	const char *property;
	const char *type; /* of telephones; NULL: none */
	const char *field;
};
extern const struct vcard_rule vcard_rules[];
extern const size_t nvcard_rules;

/* A birthday as it was entered, lunar ones too, which BDAY cannot say. */
#define BIRTHDAY_PROPERTY "X-GUANXI-BIRTHDAY"
/* The line of NOTE that says it to people. */
#define BIRTHDAY_NOTE "生日: "

/* What an organisation of a card is: the first reference that must be set. NULL: there is none. */
const struct field *vcard_organisation(const struct entity *en);

/* BDAY as birthdays are typed here. False when it is none that can be kept. */
bool vcard_birthday(const struct vcard_property *p, struct buf *out);

/* The record as one card, version 3.0 or 4.0. */
void vcard_of_record(const struct view *v, bool four, struct buf *out);

#endif
