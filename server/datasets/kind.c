/* What a file is, by its first bytes. See kind.h. */
#include "datasets/kind.h"
#include "base/files.h"
#include "mlp/idx.h"
#include "json/scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KIND_TAIL 4096
#define AT_BOTH_ENDS SIZE_MAX /* a header may begin with such letters, too */

#define PANDAS(read)                                                                                         \
    "convert it, as with python3 -c \"import pandas; pandas." read ".to_csv('file.csv', index=False)\""
#define UNPACK(command) "unpack it (" command "), or send gzip or zstd"
#define WEB_PAGE "this is a page, perhaps the one that links to the file: download the file itself"
#define PICTURE                                                                                              \
    "a dataset of pictures is a CSV with a column for each pixel, or IDX; one picture goes to POST /predict"
#define SPREADSHEET "save the sheet as CSV UTF-8 (File, Save as), and send that"

/* A kind by bytes at a place. The first that fits counts. */
static const struct signature {
    const char *id, *what, *remedy;
    const char *bytes;
    size_t n, at;
} signatures[] = {
    {"file_is_xls", "an Excel workbook (xls) or another OLE file", SPREADSHEET, "\xd0\xcf\x11\xe0\xa1\xb1", 6,
     0},
    {"file_is_parquet", "a Parquet file", PANDAS("read_parquet('file')"), "PAR1", 4, AT_BOTH_ENDS},
    {"file_is_parquet", "an encrypted Parquet file", PANDAS("read_parquet('file')"), "PARE", 4, AT_BOTH_ENDS},
    {"file_is_arrow", "an Arrow (Feather) file", PANDAS("read_feather('file')"), "ARROW1\0\0", 8, 0},
    {"file_is_arrow", "a Feather file", PANDAS("read_feather('file')"), "FEA1", 4, AT_BOTH_ENDS},
    {"file_is_arrow", "an Arrow stream", PANDAS("read_feather('file')"), "\xff\xff\xff\xff", 4, 0},
    {"file_is_avro", "an Avro file", "convert it to CSV", "Obj\1", 4, 0},
    {"file_is_hdf5", "an HDF5 file", PANDAS("read_hdf('file')"), "\x89HDF\r\n", 6, 0},
    {"file_is_npy", "a NumPy array", "convert it, as with numpy.savetxt('file.csv', array, delimiter=',')",
     "\x93NUMPY", 6, 0},
    {"file_is_pickle", "a Python pickle", PANDAS("read_pickle('file')"), "\x80\4\x95", 3, 0},
    {"file_is_pickle", "a Python pickle", PANDAS("read_pickle('file')"), "\x80\5\x95", 3, 0},
    {"file_is_sqlite", "an SQLite database",
     "export the table, as with sqlite3 -header -csv FILE 'SELECT * FROM t'", "SQLite format 3", 16, 0},
    {"file_is_stata", "a Stata file", PANDAS("read_stata('file')"), "<stata_dta>", 11, 0},
    {"file_is_spss", "an SPSS file", PANDAS("read_spss('file')"), "$FL2@(#)", 8, 0},
    {"file_is_rdata", "an R data file", "write it in R with write.csv(data, 'file.csv', row.names = FALSE)",
     "RDX2\n", 5, 0},
    {"file_is_rdata", "an R data file", "write it in R with write.csv(data, 'file.csv', row.names = FALSE)",
     "RDX3\n", 5, 0},
    {"file_is_rdata", "an R data file", "write it in R with write.csv(data, 'file.csv', row.names = FALSE)",
     "X\n\0\0\0", 5, 0},
    {"file_is_matlab", "a MATLAB file", "write it with writetable or writematrix", "MATLAB 5.0 MAT-file", 19,
     0},
    {"file_is_pdf", "a PDF document", "a PDF holds no table: ask for the data as CSV", "%PDF-", 5, 0},
    {"file_is_png", "a PNG picture", PICTURE, "\x89PNG\r\n", 6, 0},
    {"file_is_jpeg", "a JPEG picture", PICTURE, "\xff\xd8\xff", 3, 0},
    {"file_is_gif", "a GIF picture", PICTURE, "GIF87a", 6, 0},
    {"file_is_gif", "a GIF picture", PICTURE, "GIF89a", 6, 0},
    {"file_is_tiff", "a TIFF picture", PICTURE, "II*\0", 4, 0},
    {"file_is_tiff", "a TIFF picture", PICTURE, "MM\0*", 4, 0},
    {"file_is_webp", "a WebP picture", PICTURE, "WEBPVP8", 7, 8},
    {"file_is_bzip2", "compressed with bzip2", UNPACK("bunzip2"), "1AY&SY", 6, 4},
    {"file_is_xz", "compressed with xz", UNPACK("unxz"), "\xfd\x37zXZ", 6, 0},
    {"file_is_lz4", "compressed with lz4", UNPACK("unlz4"), "\4\"M\x18", 4, 0},
    {"file_is_7z", "a 7z archive", UNPACK("7z x"), "7z\xbc\xaf\x27\x1c", 6, 0},
    {"file_is_rar", "a RAR archive", UNPACK("unrar x"), "Rar!\x1a\7", 6, 0},
    {"file_is_gzip", "compressed with gzip twice", "compress it once", "\x1f\x8b", 2, 0},
    {"file_is_zstd", "compressed with zstd, twice or by a build without zstd",
     "send it with gzip or as it is", "\x28\xb5\x2f\xfd", 4, 0},
    {"file_is_tar", "a tar archive", "unpack it and send one file", "ustar", 5, 257},
    {"file_is_lfs", "a Git LFS pointer, not the file", "fetch the file itself: git lfs pull",
     "version https://git-lfs", 23, 0},
};

/* Kinds of text by their first word, blanks before it and its case aside. */
static const struct signature words[] = {
    {"file_is_html", "an HTML page", WEB_PAGE, "<!doctype", 9, 0},
    {"file_is_html", "an HTML page", WEB_PAGE, "<html", 5, 0},
    {"file_is_xml", "an XML document", PANDAS("read_xml('file')"), "<?xml", 5, 0},
    {"file_is_arff", "an ARFF file",
     "convert it, as with scipy.io.arff and pandas, or leave out all lines up to @data", "@relation", 9, 0},
};

static bool refuse(const struct signature *found, struct err *err)
{
    err_set(err, ERR_UNSUPPORTED, "the file is no CSV but %s: %s", found->what, found->remedy);
    return err_id(err, found->id);
}

static bool holds(const char *bytes, size_t n, const char *text)
{
    size_t length = strlen(text);
    for (size_t at = 0; at + length <= n; at++)
        if (memcmp(bytes + at, text, length) == 0)
            return true;
    return false;
}

static bool ends_hold(const struct file_ends *ends, const char *text)
{
    return holds(ends->head, ends->n_head, text) || holds(ends->tail, ends->n_tail, text);
}

/* A zip file is one of many things, which the names in it tell. */
static bool zip_refuse(const struct file_ends *ends, struct err *err)
{
    static const struct {
        const char *name;
        struct signature kind;
    } inside[] = {
        {"opendocument.spreadsheet",
         {"file_is_ods", "an OpenDocument spreadsheet (ods)", SPREADSHEET, "", 0, 0}},
        {"xl/", {"file_is_xlsx", "an Excel workbook (xlsx)", SPREADSHEET, "", 0, 0}},
        {"word/",
         {"file_is_docx", "a Word document (docx)", "copy its table to a sheet and save that as CSV", "", 0,
          0}},
        {".npy",
         {"file_is_npz", "NumPy arrays (npz)",
          "convert one, as with numpy.savetxt('file.csv', array, delimiter=',')", "", 0, 0}},
    };
    static const struct signature zip = {
        "file_is_zip", "a zip archive", "unpack it and send one CSV file (gzip is taken as it is)", "", 0, 0};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (ends_hold(ends, inside[i].name))
            return refuse(&inside[i].kind, err);
    return refuse(&zip, err);
}

static bool fits(const struct file_ends *ends, const struct signature *kind)
{
    size_t at = kind->at == AT_BOTH_ENDS ? 0 : kind->at;
    if (at + kind->n > ends->n_head || memcmp(ends->head + at, kind->bytes, kind->n) != 0)
        return false;
    return kind->at != AT_BOTH_ENDS || memcmp(ends->tail + ends->n_tail - kind->n, kind->bytes, kind->n) == 0;
}

static bool foreign_refuse(const struct file_ends *ends, struct err *err)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (fits(ends, &signatures[i]))
            return refuse(&signatures[i], err);
    return ends->n_head < 4 || memcmp(ends->head, "PK\3\4", 4) != 0 || zip_refuse(ends, err);
}

/* A text's head behind a byte order mark and blanks. */
static struct file_ends text_begin(const struct file_ends *ends)
{
    struct file_ends text = *ends;
    size_t at = text.n_head >= 3 && memcmp(text.head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < text.n_head && strchr(" \t\r\n", text.head[at]) && text.head[at])
        at++;
    text.head += at;
    text.n_head -= at;
    return text;
}

/* Whether a line is one JSON value: an array of plain values, that is. */
static bool line_is_array(const char *text, size_t n)
{
    const char *end = memchr(text, '\n', n);
    struct scan scan;
    scan_init(&scan, text, end ? (size_t)(end - text) : n);
    bool whole = end && scan_skip(&scan) == NULL && scan_peek(&scan) == 0 && scan.at == scan.end;
    scan_done(&scan);
    return whole && (size_t)(end + 1 - text) < n && end[1] == '[';
}

/* An object, an array of objects or arrays, or lines of arrays. */
static bool is_json(const char *text, size_t n)
{
    struct scan scan;
    if (n < 2 || (*text != '{' && *text != '['))
        return false;
    scan_init(&scan, text + 1, n - 1);
    char next = scan_peek(&scan);
    if (*text == '{')
        return next == '"' || next == '}';
    return next == '{' || next == '[' || (next == ']' && n < 8) || line_is_array(text, n);
}

static size_t digits(const char *text, size_t n)
{
    size_t at = 0;
    while (at < n && text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

static size_t number_characters(const char *text, size_t n)
{
    size_t at = 0;
    while (at < n && text[at] && strchr("+-.0123456789eE", text[at]))
        at++;
    return at;
}

/* Pairs "index:value" of a line. */
struct pairs {
    uint32_t n, n_clock; /* of these, what may be hours and minutes */
    bool any;            /* in this line */
    uint64_t last;       /* index in this line */
};

static size_t blanks(const char *text, size_t n)
{
    size_t at = 0;
    while (at < n && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r'))
        at++;
    return at;
}

/* The pair that the text begins with, the indices of a line rising, or "qid:3"
 * as the first: its bytes, 0 where there is none. */
static size_t pair_read(const char *text, size_t n, struct pairs *pairs)
{
    bool query = !pairs->any && n > 4 && memcmp(text, "qid:", 4) == 0;
    size_t at = query ? 3 : digits(text, n);
    uint64_t index = 0;
    for (size_t i = 0; !query && i < at && at < 10; i++)
        index = index * 10 + (uint64_t)(text[i] - '0');
    if (at == 0 || at > 9 || at == n || text[at] != ':' || (pairs->any && index <= pairs->last))
        return 0;
    const char *value = text + at + 1;
    size_t n_value = number_characters(value, n - at - 1);
    if (n_value == 0)
        return 0;
    pairs->n_clock += !query && index < 24 && n_value == 2 && *value >= '0' && *value <= '5';
    pairs->n += !query;
    pairs->any = pairs->any || !query;
    pairs->last = index;
    return at + 1 + n_value;
}

/* A line "label index:value index:value ...". A comment ends it; a label may be
 * several with commas. */
static bool line_is_libsvm(const char *text, size_t n, struct pairs *pairs)
{
    size_t at = 0, gap, pair;
    while (at < n && (text[at] == ',' || number_characters(text + at, 1) == 1))
        at++;
    pairs->any = false;
    if (at == 0)
        return false;
    for (;; at += pair) {
        gap = blanks(text + at, n - at);
        at += gap;
        if (at == n || text[at] == '#')
            return true;
        pair = pair_read(text + at, n - at, pairs);
        if (gap == 0 || pair == 0)
            return false;
    }
}

/* All whole lines of the head are; and they are not times of day. */
static bool is_libsvm(const char *text, size_t n, bool whole)
{
    struct pairs pairs = {0};
    bool any = false;
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t length = end ? (size_t)(end - text) : n;
        if (!end && !whole && any)
            break;
        if (length > 0 && *text != '#' && !line_is_libsvm(text, length, &pairs))
            return false;
        any = any || (length > 0 && *text != '#');
        text += end ? length + 1 : length;
        n -= end ? length + 1 : length;
    }
    return pairs.n > 0 && pairs.n_clock < pairs.n;
}

bool kind_find(const struct file_ends *ends, enum file_kind *kind, struct err *err)
{
    struct file_ends text = text_begin(ends);
    *kind = FILE_CSV;
    if (idx_known(ends->head, ends->n_head)) {
        *kind = FILE_IDX;
        return true;
    }
    if (!foreign_refuse(ends, err))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text.n_head >= words[i].n && strncasecmp(text.head, words[i].bytes, words[i].n) == 0)
            return refuse(&words[i], err);
    if (is_json(text.head, text.n_head))
        *kind = FILE_JSON;
    else if (is_libsvm(text.head, text.n_head, ends->n_head < KIND_HEAD))
        *kind = FILE_LIBSVM;
    return true;
}

bool kind_find_file(int fd, enum file_kind *kind, struct err *err)
{
    uint64_t size;
    if (!files_size(fd, &size, err))
        return false;
    char *head = malloc(KIND_HEAD + KIND_TAIL);
    if (!head)
        return err_memory(err, "the head of the file");
    struct file_ends ends = {.head = head,
                             .tail = head + KIND_HEAD,
                             .n_head = size < KIND_HEAD ? (size_t)size : KIND_HEAD,
                             .n_tail = size < KIND_TAIL ? (size_t)size : KIND_TAIL};
    bool ok = files_read_at(fd, head, ends.n_head, 0, err) &&
              files_read_at(fd, head + KIND_HEAD, ends.n_tail, size - ends.n_tail, err) &&
              kind_find(&ends, kind, err);
    free(head);
    return ok;
}
