/* Where in a text its tables are: see csv/layout.h. */
#include "csv/layout.h"
#include "mlp/number.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SEGMENTS_MAX = 1 << 16, SEGMENTS_AHEAD = 1000, NOTE_LENGTH = 24 };

bool csv_looks_numeric(const struct csv_field *field)
{
    struct csv_field text = csv_field_trim(*field);
    uint32_t n_digits = 0, n_letters = 0;
    for (uint32_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.text[i];
        if (c >= '0' && c <= '9')
            n_digits++;
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            n_letters++;
        else if (c == '_' || c == ';' || c == '|' || c == '"')
            return false;
    }
    bool first_letter = text.length > 0 && ((text.text[0] | 0x20) >= 'a' && (text.text[0] | 0x20) <= 'z');
    return n_digits > 0 && n_letters <= (first_letter ? 0 : 3) && text.length <= 40;
}

bool csv_is_sum(const struct csv_field *field)
{
    static const char *const words[] = {"total",  "totals",      "grand total",  "sum",  "summe",
                                        "gesamt", "gesamtsumme", "insgesamt",    "suma", "somme",
                                        "totale", "totaal",      "total général"};
    struct csv_field text = csv_field_trim(*field);
    while (text.length > 0 && (text.text[text.length - 1] == ':' || text.text[text.length - 1] == ' '))
        text.length--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == text.length && strncasecmp(words[i], text.text, text.length) == 0)
            return true;
    return false;
}

static uint64_t text_hash(const char *text, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ull;
    return hash;
}

/* What a row is like. */
struct shape {
    uint32_t n_filled, n_numbers, first; /* the first filled field */
    uint32_t extent;                     /* fields up to the last that is filled */
};

static struct shape shape_of(const struct csv_scan *scan)
{
    struct shape shape = {0};
    for (uint32_t i = 0; i < scan->n_fields; i++) {
        if (csv_field_trim(scan->fields[i]).length == 0)
            continue;
        if (shape.n_filled++ == 0)
            shape.first = i;
        shape.n_numbers += csv_looks_numeric(&scan->fields[i]);
        shape.extent = i + 1;
    }
    return shape;
}

/* "150,4,setosa,versicolor": rows, features and classes of what is below. */
static uint32_t fields_announced(const struct csv_scan *scan)
{
    const struct csv_field *fields = scan->fields;
    char number[8] = {0};
    if (scan->n_fields < 3 || !csv_looks_numeric(&fields[0]) || fields[1].length >= sizeof number)
        return 0;
    for (uint32_t i = 2; i < scan->n_fields; i++)
        if (fields[i].length == 0 || csv_looks_numeric(&fields[i]))
            return 0;
    memcpy(number, fields[1].text, fields[1].length);
    return (uint32_t)strtoul(number, NULL, 10) + 1;
}

static bool is_note(const struct csv_field *field)
{
    struct csv_field text = csv_field_trim(*field);
    return text.length > NOTE_LENGTH || csv_is_sum(field) ||
           (text.length > 0 && (strchr("*(#", text.text[0]) || memchr(text.text, ':', text.length)));
}

/* Whether the row goes on with the segment before it. */
static bool segment_takes(const struct csv_segment *segment, const struct csv_segment *row, uint32_t extent)
{
    if (row->blank_before || row->note || segment->note || row->width == 1 || segment->width == 1)
        return row->width == 1 && segment->width == 1 && !row->blank_before && row->note == segment->note &&
               row->n_fields == segment->n_fields;
    if (row->names && (segment->numbers || row->hash == segment->hash))
        return false; /* perhaps a header */
    return row->n_fields == segment->n_fields ||
           (extent <= segment->width && segment->width <= row->n_fields);
}

bool csv_layout_add(struct csv_layout *layout, const struct csv_scan *scan, uint64_t text_at, bool mended)
{
    struct shape shape = shape_of(scan);
    uint64_t n_before = layout->n_rows++;
    if (shape.n_filled == 0) {
        layout->blank = true;
        return true;
    }
    const struct csv_field *first = &scan->fields[shape.first];
    struct csv_segment row = {
        .at = text_at + scan->row_at,
        .end = text_at + scan->at,
        .line = scan->row_line,
        .n_before = n_before,
        .n_rows = 1,
        .width = shape.n_filled > 1 ? scan->n_fields : 1,
        .n_fields = scan->n_fields,
        .extent = shape.extent,
        .hash = text_hash(scan->text + scan->row_at, scan->at - scan->row_at),
        .announced = layout->n_segments == 0 ? fields_announced(scan) : 0,
        .blank_before = layout->blank,
        .names = shape.n_filled > 1 && shape.n_numbers == 0 && 3 * shape.n_filled >= 2 * scan->n_fields,
        .numbers = shape.n_numbers > 0,
        .note = shape.n_filled == 1 ? is_note(first) : shape.first == 0 && csv_is_sum(first)};
    layout->blank = false;
    struct csv_segment *last = layout->n_segments > 0 ? &layout->segments[layout->n_segments - 1] : NULL;
    if (last && last->width > 1 && mended && !row.blank_before) {
        last->end = row.end;
        last->n_rows++;
        return true;
    }
    if (last && (segment_takes(last, &row, shape.extent) || layout->n_segments == SEGMENTS_MAX)) {
        last->end = row.end;
        last->n_rows++;
        last->extent = last->extent > row.extent ? last->extent : row.extent;
        last->numbers = last->numbers || row.numbers;
        return true;
    }
    if (layout->n_segments == layout->n_allocated) {
        uint32_t n = layout->n_allocated ? 2 * layout->n_allocated : 32;
        struct csv_segment *segments = realloc(layout->segments, n * sizeof *segments);
        if (!segments)
            return false;
        layout->segments = segments;
        layout->n_allocated = n;
    }
    layout->segments[layout->n_segments++] = row;
    return true;
}

bool csv_layout_text(struct csv_layout *layout, struct csv_scan *scan, uint64_t text_at)
{
    for (;;) {
        uint64_t n_empty = scan->n_empty;
        enum csv_result result = csv_scan_row(scan);
        if (result == CSV_MEMORY)
            return false;
        if (result == CSV_END || result == CSV_MORE)
            return true;
        if (result != CSV_ROW) {
            bool unclosed;
            if (!csv_scan_skip_line(scan))
                return true;
            if (csv_scan_mend(scan, 0, &unclosed) == MEND_MEMORY)
                return false;
        }
        layout->blank = layout->blank || scan->n_empty > n_empty;
        if (!csv_layout_add(layout, scan, text_at, result != CSV_ROW))
            return false;
    }
}

/* --- tables --- */

/* Whether more rows from segment i on, down to the next gap, are of its width
 * than of the table's. */
static bool outnumbers(const struct csv_layout *layout, const struct csv_table_place *table, uint32_t i)
{
    const struct csv_segment *segment = &layout->segments[i];
    uint64_t n_own = segment->n_rows, n_others = 0;
    for (uint32_t j = i + 1; j < layout->n_segments && j - i < SEGMENTS_AHEAD; j++) {
        const struct csv_segment *below = &layout->segments[j];
        if (below->blank_before)
            break;
        n_own += below->width == segment->width ? below->n_rows : 0;
        n_others += below->width == table->width ? below->n_rows : 0;
    }
    return n_own > n_others;
}

static bool starts_table(const struct csv_layout *layout, const struct csv_table_place *table, uint32_t i)
{
    const struct csv_segment *segment = &layout->segments[i];
    if (segment->width != table->width)
        return segment->names &&
               (segment->blank_before || (segment->width > table->width && outnumbers(layout, table, i)));
    return segment->names && segment->hash != table->hash && table->numbers &&
           (segment->blank_before || table->n_segments == 0);
}

/* Whether the table goes on below segment i, which is not of its width, with
 * few rows between. */
static bool returns(const struct csv_layout *layout, const struct csv_table_place *table, uint32_t i)
{
    uint64_t n_between = 0;
    for (; i < layout->n_segments && n_between <= table->n_rows; i++) {
        const struct csv_segment *segment = &layout->segments[i];
        if (segment->width == table->width)
            return !starts_table(layout, table, i);
        if (segment->width > 1 && segment->names && segment->blank_before)
            return false;
        n_between += segment->width > 1 ? segment->n_rows : 0;
    }
    return false;
}

/* Whether segment i stands below a header that is narrower: names are lacking,
 * or the rows are odd. */
static bool exceeds_header(const struct csv_table_place *table, const struct csv_segment *segment)
{
    return table->n_rows == 1 && table->names && segment->width > table->width &&
           segment->width <= 2 * table->width && !segment->blank_before;
}

/* Whether segment i is one row that is too long, at the table's end. */
static bool is_last_odd(const struct csv_layout *layout, const struct csv_table_place *table, uint32_t i)
{
    const struct csv_segment *segment = &layout->segments[i];
    bool last = i + 1 == layout->n_segments || segment[1].blank_before;
    return last && segment->n_rows == 1 && segment->width > table->width && !segment->blank_before &&
           !segment->names && (table->n_rows > 1 || table->width == layout->told);
}

/* Whether the segment belongs to the table above it. */
static bool table_takes(const struct csv_layout *layout, const struct csv_table_place *table, uint32_t i)
{
    const struct csv_segment *segment = &layout->segments[i];
    if (starts_table(layout, table, i))
        return false;
    if (segment->width == table->width)
        return true;
    if (segment->width < table->width && !segment->blank_before && !segment->names)
        return true; /* short rows */
    if (table->n_rows == 1 && table->announced == segment->width)
        return true;
    return exceeds_header(table, segment) || is_last_odd(layout, table, i) || returns(layout, table, i);
}

static void table_add(struct csv_table_place *table, struct csv_segment *segment, uint32_t index)
{
    table->end = segment->end;
    if (segment->width <= table->width && segment->extent > table->extent)
        table->extent = segment->extent; /* rows too long are odd */
    table->n_wide += segment->width == table->width ? segment->n_rows : 0;
    table->n_narrow += segment->width + 1 == table->width ? segment->n_rows : 0;
    table->n_rows += segment->n_rows;
    table->numbers = table->numbers || segment->numbers;
    table->n_segments++;
    segment->table = index;
}

/* Notes with fields as the table has, and no empty line before them, are rows
 * of it that lack values; those at its end that sum up or explain are not. */
static bool note_is_row(const struct csv_table_place *table, const struct csv_segment *segment)
{
    return segment->n_fields == table->width && !segment->note && !segment->blank_before;
}

/* The first segment of a table that begins with segment i: the one above it,
 * where that is of rows that lack values, and no header stands between. */
static const struct csv_segment *table_first(const struct csv_layout *layout, uint32_t i)
{
    const struct csv_segment *segment = &layout->segments[i], *above = segment - 1;
    bool rows = i > 0 && !segment->names && !segment->blank_before && above->width == 1 && !above->note &&
                above->n_fields == segment->width;
    return rows ? above : segment;
}

/* The table to read is of the width that was told, the longest, the widest. */
static bool is_better(const struct csv_layout *layout, const struct csv_table_place *table,
                      const struct csv_table_place *best)
{
    bool fits = table->width == layout->told, best_fits = best->width == layout->told;
    if (fits != best_fits)
        return fits;
    return table->n_rows > best->n_rows || (table->n_rows == best->n_rows && table->width > best->width);
}

bool csv_layout_find(struct csv_layout *layout)
{
    layout->tables = calloc((size_t)layout->n_segments + 1, sizeof *layout->tables);
    if (!layout->tables)
        return false;
    struct csv_table_place *table = NULL;
    uint32_t n_sums = 0;
    for (uint32_t i = 0; i < layout->n_segments; i++) {
        struct csv_segment *segment = &layout->segments[i];
        segment->table = UINT32_MAX;
        if (i > 0 && segment[-1].n_fields == 1 && segment->names)
            segment->blank_before = true; /* a title stands above it */
        if (segment->width == 1 || segment->note) {
            n_sums += segment->width > 1;
            if (table && (segment->width == 1 ? note_is_row(table, segment) : table->n_sums > 0))
                table_add(table, segment, layout->n_tables - 1);
            continue;
        }
        if (!table || !table_takes(layout, table, i)) {
            const struct csv_segment *first = table_first(layout, i);
            table = &layout->tables[layout->n_tables++];
            *table = (struct csv_table_place){.at = first->at,
                                              .line = first->line,
                                              .n_before = first->n_before,
                                              .width = segment->width,
                                              .names = segment->names,
                                              .announced = segment->announced,
                                              .hash = segment->hash};
            n_sums = 0;
        }
        table->n_sums = n_sums;
        if ((exceeds_header(table, segment) && outnumbers(layout, table, i)) ||
            (table->n_rows == 1 && table->announced == segment->width))
            table->width = segment->width;
        table_add(table, segment, layout->n_tables - 1);
    }
    layout->chosen = layout->n_tables;
    for (uint32_t i = 0; i < layout->n_tables; i++)
        if (layout->chosen == layout->n_tables ||
            is_better(layout, &layout->tables[i], &layout->tables[layout->chosen]))
            layout->chosen = i;
    return true;
}

void csv_layout_done(struct csv_layout *layout)
{
    free(layout->segments);
    free(layout->tables);
    *layout = (struct csv_layout){0};
}
