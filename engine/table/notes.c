/* What was done to lines of a file. See notes.h. */
#include "table/notes.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REJECTS_FLUSH = 64 << 10 };

static const struct {
    const char *name;
    bool rejects;
    const char *sentence; /* of rows set aside */
} deeds[DEEDS] = {
    [DEED_PADDED] = {"padded", false, NULL},
    [DEED_TRAILING] = {"trailing_fields", false, NULL},
    [DEED_QUOTE_MENDED] = {"quote_mended", false, NULL},
    [DEED_OTHER_SEPARATOR] = {"other_separator", false, NULL},
    [DEED_PREAMBLE] = {"preamble", true, "it stands above the table"},
    [DEED_HEADER_ROW] = {"header_row", false, NULL},
    [DEED_UNIT_ROW] = {"units", true, "a line of units"},
    [DEED_COMMENT] = {"comment", true, "a comment"},
    [DEED_EMPTY_LINE] = {"empty_line", false, NULL},
    [DEED_REPEATED_HEADER] = {"repeated_header", true, "the header again"},
    [DEED_FOOTER] = {"footer", true, "it stands below the table, or sums it up"},
    [DEED_OTHER_TABLE] = {"other_table", true, "of another table, which is smaller"},
    [DEED_TOO_FEW] = {"too_few_fields", true, "it has too few fields"},
    [DEED_TOO_MANY] = {"too_many_fields", true, "it has too many fields"},
    [DEED_UNCLOSED] = {"unclosed_quote", true, "its closing quote is missing"},
    [DEED_BAD_QUOTE] = {"bad_quote", true, "text follows a closing quote"},
    [DEED_CUT_OFF] = {"cut_off", true, "the file ends within it"},
    [DEED_NUL_BYTE] = {"nul_byte", true, "it holds a NUL byte"},
    [DEED_WRONG_TYPE] = {"wrong_type", true, "it holds text in a column of numbers"},
    [DEED_ODD_CELL] = {"odd_cell", true, "the value does not fit its column"},
};

const char *csv_deed_name(enum csv_deed deed)
{
    return deeds[deed].name;
}

bool deed_rejects(enum csv_deed deed)
{
    return deeds[deed].rejects;
}

const char *deed_reason(enum csv_deed deed)
{
    return deeds[deed].sentence ? deeds[deed].sentence : "";
}

void notes_clear(struct notes *notes)
{
    memset(notes->n_done, 0, sizeof notes->n_done);
    notes->n = 0;
    notes->n_texts = 0;
}

void notes_done(struct notes *notes)
{
    free(notes->items);
    free(notes->texts);
    *notes = (struct notes){0};
}

static bool notes_grow(struct notes *notes, size_t n_bytes)
{
    if (notes->n == notes->n_allocated) {
        uint32_t n = notes->n_allocated ? 2 * notes->n_allocated : 16;
        struct note *items = realloc(notes->items, n * sizeof *items);
        if (!items)
            return false;
        notes->items = items;
        notes->n_allocated = n;
    }
    if (notes->n_texts + n_bytes > notes->texts_room || !notes->texts) {
        size_t room = 2 * (notes->n_texts + n_bytes) + 64;
        char *texts = realloc(notes->texts, room);
        if (!texts)
            return false;
        notes->texts = texts;
        notes->texts_room = room;
    }
    return true;
}

bool notes_add(struct notes *notes, const struct note *note, const char *text, size_t n_bytes)
{
    size_t n = n_bytes < CSV_REJECT_BYTES ? n_bytes : CSV_REJECT_BYTES;
    if (deed_rejects(note->deed) || notes->n_done[note->deed] < CSV_SHOWN) {
        if (!notes_grow(notes, n))
            return false;
        struct note *kept = &notes->items[notes->n++];
        *kept = *note;
        kept->at = notes->n_texts;
        kept->n_bytes = (uint32_t)n;
        if (n > 0)
            memcpy(notes->texts + notes->n_texts, text, n);
        notes->n_texts += n;
    }
    notes->n_done[note->deed]++;
    return true;
}

bool rejects_begin(struct rejects *rejects, int fd, struct err *err)
{
    static const char names[] = "row,line,code,column,reason,text\n";
    *rejects = (struct rejects){.fd = fd};
    if (fd <= 0)
        return true;
    if (ftruncate(fd, 0) != 0)
        return err_errno(err, "emptying the file of rejects");
    rejects->room = 2 * REJECTS_FLUSH;
    rejects->text = malloc(rejects->room);
    if (!rejects->text)
        return err_memory(err, "rows that were set aside");
    rejects->n = sizeof names - 1;
    memcpy(rejects->text, names, rejects->n);
    return true;
}

/* A field of CSV: in quotes where it needs them. */
static char *quoted_put(char *to, const char *text, size_t n)
{
    bool plain = true;
    for (size_t i = 0; i < n && plain; i++)
        plain = text[i] != '"' && text[i] != ',' && text[i] != '\n' && text[i] != '\r';
    if (plain) {
        if (n > 0)
            memcpy(to, text, n);
        return to + n;
    }
    *to++ = '"';
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"')
            *to++ = '"';
        *to++ = text[i];
    }
    *to++ = '"';
    return to;
}

static char *number_put(char *to, uint64_t value)
{
    return value == 0 ? to : to + sprintf(to, "%llu", (unsigned long long)value);
}

bool rejects_put(struct rejects *rejects, const struct csv_note *note, enum csv_deed deed, const char *reason,
                 const char *text, size_t n_bytes, struct err *err)
{
    if (rejects->fd <= 0)
        return true;
    size_t n_reason = strlen(reason), needed = 2 * (n_bytes + n_reason + sizeof note->column) + 128;
    if (rejects->n + needed > rejects->room && !rejects_flush(rejects, err))
        return false;
    if (needed > rejects->room) {
        char *grown = realloc(rejects->text, needed);
        if (!grown)
            return err_memory(err, "rows that were set aside");
        rejects->text = grown;
        rejects->room = needed;
    }
    char *to = number_put(rejects->text + rejects->n, note->row);
    *to++ = ',';
    to = number_put(to, note->line);
    to += sprintf(to, ",%s,", csv_deed_name(deed));
    to = quoted_put(to, note->column, strlen(note->column));
    *to++ = ',';
    to = quoted_put(to, reason, n_reason);
    *to++ = ',';
    to = quoted_put(to, text, n_bytes);
    *to++ = '\n';
    rejects->n = (size_t)(to - rejects->text);
    return true;
}

bool rejects_flush(struct rejects *rejects, struct err *err)
{
    if (rejects->n > 0 &&
        !file_write_at(rejects->fd, rejects->text, rejects->n, rejects->at, "the file of rejects", err))
        return false;
    rejects->at += rejects->n;
    rejects->n = 0;
    return true;
}

void rejects_done(struct rejects *rejects)
{
    free(rejects->text);
    rejects->text = NULL;
}
