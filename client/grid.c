#include "client/grid.h"
#include "client/files.h"
#include "client/json.h"
#include "common/csv.h"
#include "common/text.h"
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP 2
#define FLUSH_AT 65536

struct grid {
	const struct app *app;
	struct grid_column *columns;
	size_t n;
	size_t *width;    /* of each column, in a table */
	struct buf cells; /* of the rows gathered for a table: length u32 and text of each cell */
	size_t nrows;
	struct buf out;
	bool started;
	bool any; /* an item was written */
	bool has_total;
	uint64_t total, pages;
};

enum status out_write(struct bytes text, struct error *e)
{
	return write_all(STDOUT_FILENO, text, e);
}

size_t out_width(void)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return columns && strtoul(columns, NULL, 10) ? strtoul(columns, NULL, 10) : 80;
}

bool out_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

struct grid *grid_new(const struct app *app, const struct grid_column *columns, size_t n)
{
	struct grid *g = calloc(1, sizeof *g);

	if (!g)
		abort();
	g->app = app;
	g->n = n;
	g->columns = calloc(n + 1, sizeof *g->columns);
	g->width = calloc(n + 1, sizeof *g->width);
	if (!g->columns || !g->width)
		abort();
	if (n)
		memcpy(g->columns, columns, n * sizeof *columns);
	return g;
}

void grid_free(struct grid **pg)
{
	struct grid *g = *pg;

	if (!g)
		return;
	free(g->columns);
	free(g->width);
	buf_free(&g->cells);
	buf_free(&g->out);
	free(g);
	*pg = NULL;
}

bool grid_wants_json(const struct grid *g)
{
	return g->app->output == OUTPUT_JSON || g->app->output == OUTPUT_JSONL;
}

bool grid_wants_cells(const struct grid *g)
{
	return !grid_wants_json(g) && g->app->output != OUTPUT_ID;
}

/* Tabs and line ends would break the line. */
static void add_tsv_cell(struct buf *out, struct bytes cell)
{
	for (size_t i = 0; i < cell.len; i++) {
		char c = (char)cell.data[i];

		if (c == '\t' || c == '\n' || c == '\r' || c == '\\')
			buf_printf(out, "\\%c",
				c == '\t'   ? 't'
				: c == '\n' ? 'n'
				: c == '\r' ? 'r'
					    : c);
		else
			buf_add_u8(out, (uint8_t)c);
	}
}

static void add_line(struct grid *g, const struct bytes *cells)
{
	bool csv = g->app->output == OUTPUT_CSV;

	for (size_t i = 0; i < g->n; i++) {
		if (csv) {
			csv_add_cell(&g->out, cells[i], i == 0, false);
			continue;
		}
		if (i)
			buf_add_u8(&g->out, '\t');
		add_tsv_cell(&g->out, cells[i]);
	}
	buf_add_str(&g->out, csv ? "\r\n" : "\n");
}

static void start(struct grid *g)
{
	if (g->started)
		return;
	g->started = true;
	if (g->app->output == OUTPUT_JSON) {
		buf_add_str(&g->out, "{\"items\":[");
	} else if (grid_wants_cells(g) && g->app->output != OUTPUT_TABLE &&
		   !g->app->opt.no_header) {
		struct bytes *names = calloc(g->n + 1, sizeof *names);

		for (size_t i = 0; names && i < g->n; i++)
			names[i] = bytes_str(g->app->output == OUTPUT_CSV ? g->columns[i].label
									  : g->columns[i].key);
		if (names)
			add_line(g, names);
		free(names);
	}
}

static void gather(struct grid *g, const struct bytes *cells)
{
	for (size_t i = 0; i < g->n; i++) {
		size_t at = g->cells.len;

		buf_add_u32(&g->cells, 0);
		text_add_safe(&g->cells, cells[i]);
		put_be32(g->cells.data + at, (uint32_t)(g->cells.len - at - 4));
	}
	g->nrows++;
}

void grid_row(struct grid *g, const struct bytes *cells)
{
	start(g);
	if (g->app->output == OUTPUT_TABLE)
		gather(g, cells);
	else
		add_line(g, cells);
}

void grid_json(struct grid *g, struct bytes object)
{
	start(g);
	if (g->app->output == OUTPUT_JSON && g->any)
		buf_add_u8(&g->out, ',');
	g->any = true;
	buf_add_bytes(&g->out, object);
	if (g->app->output == OUTPUT_JSONL)
		buf_add_u8(&g->out, '\n');
}

void grid_id(struct grid *g, uint64_t id)
{
	buf_printf(&g->out, "%llu\n", (unsigned long long)id);
}

static void measure(struct grid *g)
{
	struct bytes rest = buf_bytes(&g->cells), cell;
	uint32_t len;

	for (size_t i = 0; i < g->n; i++)
		g->width[i] =
			g->app->opt.no_header ? 0 : text_width(bytes_str(g->columns[i].label));
	for (size_t i = 0; take_u32(&rest, &len) && take_bytes(&rest, len, &cell); i++) {
		size_t w = text_width(cell);

		if (w > g->width[i % g->n])
			g->width[i % g->n] = w;
	}
}

/* Makes the widest columns narrower until the line fits the terminal. */
static void fit(struct grid *g, size_t room)
{
	size_t total = g->n ? (g->n - 1) * GAP : 0;

	for (size_t i = 0; i < g->n; i++)
		total += g->width[i];
	while (room && total > room) {
		size_t widest = 0;

		for (size_t i = 1; i < g->n; i++)
			if (g->width[i] > g->width[widest])
				widest = i;
		if (g->width[widest] <= 8)
			break;
		g->width[widest]--;
		total--;
	}
}

/* One cell, cut and padded; the last one of a line is not padded. */
static void add_cell(struct buf *out, struct bytes cell, size_t width, bool right, bool last)
{
	size_t w = text_width(cell);

	if (w > width) {
		cell = text_cut(cell, width ? width - 1 : 0);
		w = text_width(cell) + 1;
	}
	size_t pad = w < width ? width - w : 0;
	if (right)
		buf_printf(out, "%*s", (int)pad, "");
	buf_add_bytes(out, cell);
	if (w > text_width(cell))
		buf_add_str(out, "…");
	if (!right && !last)
		buf_printf(out, "%*s", (int)pad, "");
}

static void add_header(struct grid *g)
{
	bool colour = out_colour();

	if (colour)
		buf_add_str(&g->out, "\033[1m");
	for (size_t i = 0; i < g->n; i++) {
		if (i)
			buf_printf(&g->out, "%*s", GAP, "");
		add_cell(&g->out, bytes_str(g->columns[i].label), g->width[i], g->columns[i].right,
			i + 1 == g->n);
	}
	buf_add_str(&g->out, colour ? "\033[0m\n" : "\n");
}

/* Off a terminal nothing is cut, not even on later pages. */
static size_t widen(const struct grid *g, size_t column, struct bytes cell, size_t room)
{
	size_t w = room ? 0 : text_width(cell);

	return w > g->width[column] ? w : g->width[column];
}

static void add_table(struct grid *g, bool first)
{
	struct bytes rest = buf_bytes(&g->cells), cell;
	size_t room = out_width();
	uint32_t len;

	if (first) {
		measure(g);
		fit(g, room);
		if (!g->app->opt.no_header)
			add_header(g);
	}
	for (size_t i = 0; take_u32(&rest, &len) && take_bytes(&rest, len, &cell); i++) {
		size_t column = i % g->n;

		if (column)
			buf_printf(&g->out, "%*s", GAP, "");
		add_cell(&g->out, cell, widen(g, column, cell, room), g->columns[column].right,
			column + 1 == g->n);
		if (column + 1 == g->n)
			buf_add_str(&g->out, "\n");
	}
	buf_clear(&g->cells);
}

enum status grid_flush(struct grid *g, struct error *e)
{
	if (g->nrows) {
		add_table(g, !g->any);
		g->any = true;
		g->nrows = 0;
	}
	enum status st = g->out.len ? out_write(buf_bytes(&g->out), e) : STATUS_OK;
	buf_clear(&g->out);
	return st;
}

void grid_total(struct grid *g, uint64_t total, uint64_t page_size)
{
	g->has_total = true;
	g->total = total;
	g->pages = (total + page_size - 1) / page_size;
}

enum status grid_end(struct grid *g, struct bytes next, struct error *e)
{
	start(g);
	if (g->app->output == OUTPUT_JSON) {
		buf_add_str(&g->out, "],\"next\":");
		if (next.data)
			json_add_string(&g->out, next);
		else
			buf_add_str(&g->out, "null");
		if (g->has_total)
			buf_printf(&g->out, ",\"total\":%llu,\"pages\":%llu",
				(unsigned long long)g->total, (unsigned long long)g->pages);
		buf_add_str(&g->out, "}\n");
	}
	return grid_flush(g, e);
}
