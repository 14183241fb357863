/* Numbers of tables as text that is exactly the file's number. Threads: any; no
 * state. */
#ifndef MLPD_BASE_NUMBER_TEXT_H
#define MLPD_BASE_NUMBER_TEXT_H

#include "mlp/table.h"

#define NUMBER_TEXT_SIZE 40

/* The shortest decimal text that reads back as the same double: valid JSON;
 * what is not finite becomes null. Returns the length; the text is not
 * terminated. */
size_t double_text(double number, char text[NUMBER_TEXT_SIZE]);

/* A table's number, null where it is missing. */
size_t table_number_text(const struct table *table, uint32_t column, uint64_t row,
                         char text[NUMBER_TEXT_SIZE]);

#endif
