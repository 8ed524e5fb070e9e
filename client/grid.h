/*
 * Rows and columns of text on stdout in each of the output forms. The lowest layer of printing: knows
 * no records. Cells come as text for people or scripts; JSON comes ready made.
 */
#ifndef CLIENT_GRID_H
#define CLIENT_GRID_H

#include "client/app.h"

struct grid;

struct grid_column {
	const char *key;   /* for scripts: tsv header */
	const char *label; /* for people: table and csv header */
	bool right;        /* aligned right in a table */
};

/* columns are copied; their strings must live as long as the grid. */
struct grid *grid_new(const struct app *app, const struct grid_column *columns, size_t n);
void grid_free(struct grid **g);

/* n cells as given to grid_new. */
void grid_row(struct grid *g, const struct bytes *cells);
/* One JSON object, for the forms json and jsonl. */
void grid_json(struct grid *g, struct bytes object);
/* One line of the form id. */
void grid_id(struct grid *g, uint64_t id);
/* True when the form wants cells, or JSON objects. */
bool grid_wants_cells(const struct grid *g);
bool grid_wants_json(const struct grid *g);

/* Writes what has been gathered; in a table this page's rows, with widths of the first page. */
enum status grid_flush(struct grid *g, struct error *e);
/* json's end tells how many there are in all, and how many pages of page_size rows. */
void grid_total(struct grid *g, uint64_t total, uint64_t page_size);
/*
 * Flushes and ends. next is the page token of json's {"items": [...], "next": ...}; .data NULL: null.
 */
enum status grid_end(struct grid *g, struct bytes next, struct error *e);

/* Bytes to stdout. */
enum status out_write(struct bytes text, struct error *e);
/* Columns of the terminal on stdout; 0 when it is none. */
size_t out_width(void);
bool out_colour(void);

#endif
