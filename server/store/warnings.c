/* The store's rows of warnings. Any thread. */
#include "store/sql.h"

bool sql_warnings_put(struct sql *sql, int64_t job, uint32_t first, const struct warnings *warnings,
                      struct err *err)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < warnings->n; i++) {
        const struct warning *w = &warnings->list[i];
        ok = sql_run(sql, err, "INSERT OR REPLACE INTO warnings VALUES (?1, ?2, ?3, ?4, ?5)", "iittt", job,
                     (int64_t)first + i, warning_name(w->code), w->column, w->message);
    }
    return ok;
}

bool store_warnings_put(struct store *store, int64_t job, uint32_t first, const struct warnings *warnings,
                        struct err *err)
{
    struct sql *sql = sql_of(store, err);
    if (!sql || !sql_begin(sql, err))
        return false;
    bool ok = sql_warnings_put(sql, job, first, warnings, err);
    return sql_end(sql, ok, err);
}

bool store_warnings(struct store *store, int64_t job, struct warnings *warnings, struct err *err)
{
    struct sql *sql = sql_of(store, err);
    sqlite3_stmt *statement =
        sql ? sql_query(sql, err,
                        "SELECT code, column_name, message FROM warnings WHERE job = ?1 ORDER BY number", "i",
                        job)
            : NULL;
    int more = statement ? 1 : -1;
    warnings->n = 0;
    while (more == 1 && (more = sql_step(sql, statement, err)) == 1) {
        char word[32], column[sizeof warnings->list->column], message[sizeof warnings->list->message];
        sql_text(statement, 0, word, sizeof word);
        sql_text(statement, 1, column, sizeof column);
        sql_text(statement, 2, message, sizeof message);
        int code = warning_find(word);
        if (code >= 0) /* else of a newer mlpd */
            warnings_add(warnings, (enum warning_code)code, column, "%s", message);
    }
    return more == 0;
}
