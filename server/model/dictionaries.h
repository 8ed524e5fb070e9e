#ifndef SERVER_MODEL_DICTIONARIES_H
#define SERVER_MODEL_DICTIONARIES_H

#define ROW_DICTIONARY 0x1u /* a dictionary; its entries follow */
#define ROW_FIXED 0x2u      /* entries may be relabelled, not added or removed */
#define ROW_DEFAULT 0x4u

struct dictionary_row {
	const char *code, *zh, *en, *attributes;
	unsigned flags;
};

extern const struct dictionary_row dictionary_rows[]; /* ends with code NULL */

#endif
