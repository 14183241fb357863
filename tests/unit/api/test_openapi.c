/* openapi.json says what the code takes: its enums are the engine's tables, its
 * properties the fields of a request. */
#include "api/routes.h"
#include "base/near.h"
#include "helper_main.h"
#include "jobs/json_train.h"
#include "mlp/train.h"
#include "mlp/warning.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cJSON *document;

static void setup(void)
{
    static char text[1 << 20];
    FILE *file = fopen(TEST_OPENAPI, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    document = cJSON_Parse(text);
    ck_assert_ptr_nonnull(document);
}

static void teardown(void)
{
    cJSON_Delete(document);
}

static const cJSON *schema(const char *name)
{
    const cJSON *components = cJSON_GetObjectItemCaseSensitive(document, "components");
    const cJSON *found =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(components, "schemas"), name);
    ck_assert_msg(found != NULL, "there is a schema %s", name);
    return found;
}

/* The enum's words are those that `find` knows, all n of them. */
static void enum_check(const char *name, int (*find)(const char *word), int n)
{
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(schema(name), "enum"), *word;
    ck_assert_msg(cJSON_GetArraySize(words) == n, "%s has %d words, the engine %d", name,
                  cJSON_GetArraySize(words), n);
    cJSON_ArrayForEach(word, words) ck_assert_msg(find(word->valuestring) >= 0,
                                                  "%s: the engine does not know %s", name, word->valuestring);
}

static int monitor_find(const char *word)
{
    return metric_find(strncmp(word, "val_", 4) == 0 ? word + 4 : word);
}

START_TEST(enums_are_the_engines_tables)
{
    enum_check("Activation", activation_find, N_ACTIVATIONS);
    enum_check("Loss", loss_find, N_LOSSES);
    enum_check("Initializer", initializer_find, N_INITIALIZERS);
    enum_check("OptimizerName", optimizer_find, N_OPTIMIZERS);
    enum_check("ScheduleName", schedule_find, N_SCHEDULES);
    enum_check("Metric", metric_find, N_METRICS);
    enum_check("Monitor", monitor_find, 2 * N_METRICS);
    enum_check("WarningCode", warning_find, N_WARNINGS);
    const cJSON *epoch = cJSON_GetObjectItemCaseSensitive(schema("Epoch"), "properties");
    for (int i = 0; i < 2 * N_METRICS; i++) {
        char name[40];
        snprintf(name, sizeof name, "%s%s", i % 2 ? "val_" : "", metric_name((enum metric)(i / 2)));
        ck_assert_msg(cJSON_HasObjectItem(epoch, name), "Epoch has %s", name);
    }
}
END_TEST

/* The fields that a request's part has, as the error about an unknown one lists
 * them: properties, each once. */
static void fields_check(const char *name, const char *request)
{
    struct job_request job = {0};
    struct err err = {0};
    job_request_init(&job);
    ck_assert(!train_read(request, strlen(request), &job, &err));
    job_request_done(&job);
    char *list = strstr(err.msg, "expected ");
    ck_assert_msg(list != NULL, "%s", err.msg);
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema(name), "properties"), *property;
    cJSON_ArrayForEach(property, properties)
    {
        bool named = !strcmp(property->string, "name") || strstr(list, property->string);
        ck_assert_msg(named, "%s.%s is not in: %s", name, property->string, list);
    }
    for (char *word = strtok(list + strlen("expected "), ", "); word; word = strtok(NULL, ", "))
        if (strcmp(word, "one") && strcmp(word, "of") && strcmp(word, "and") && strcmp(word, "in") &&
            strcmp(word, "a") && strcmp(word, "layer"))
            ck_assert_msg(cJSON_HasObjectItem(properties, word), "%s has %s", name, word);
}

START_TEST(properties_are_the_fields_of_a_request)
{
    fields_check("Optimizer", "{\"dataset\":\"d\",\"optimizer\":{\"?\":1}}");
    fields_check("Schedule", "{\"dataset\":\"d\",\"schedule\":{\"?\":1}}");
    fields_check("EarlyStopping", "{\"dataset\":\"d\",\"early_stopping\":{\"?\":1}}");
    fields_check("Augmentation", "{\"dataset\":\"d\",\"augmentation\":{\"?\":1}}");
    fields_check("Layer", "{\"dataset\":\"d\",\"layers\":[{\"?\":1}]}");
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema("Train"), "properties"), *property;
    cJSON_ArrayForEach(property, properties)
        ck_assert_msg(train_knows(property->string), "Train.%s is no field", property->string);
    for (uint32_t i = 0; train_field(i); i++)
        ck_assert_msg(cJSON_HasObjectItem(properties, train_field(i)), "Train has %s", train_field(i));
}
END_TEST

/* Whether POST /train has a query parameter of that name. */
static bool is_parameter(const char *name)
{
    const cJSON *path =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(document, "paths"), "/train");
    const cJSON *post = cJSON_GetObjectItemCaseSensitive(path, "post"), *parameter;
    cJSON_ArrayForEach(parameter, cJSON_GetObjectItemCaseSensitive(post, "parameters"))
    {
        const cJSON *found = cJSON_GetObjectItemCaseSensitive(parameter, "name");
        if (cJSON_IsString(found) && !strcmp(found->valuestring, name))
            return true;
    }
    return false;
}

START_TEST(query_parameters_are_the_fields_that_fit_a_text)
{
    for (uint32_t i = 0; train_field(i); i++) {
        bool fits = strcmp(train_field(i), "dataset") && strcmp(train_field(i), "recipe");
        ck_assert_msg(is_parameter(train_field(i)) == fits, "the parameter %s", train_field(i));
    }
}
END_TEST

/* What a reference within the document leads to, or the object itself. */
static const cJSON *resolved(const cJSON *object)
{
    const cJSON *reference = cJSON_GetObjectItemCaseSensitive(object, "$ref");
    if (!reference)
        return object;
    const char *name = strrchr(reference->valuestring, '/') + 1;
    const cJSON *components = cJSON_GetObjectItemCaseSensitive(document, "components");
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(components, "parameters"), name);
}

/* Each query parameter of the list is the route's; their number. */
static uint32_t parameters_check(const struct route *route, const cJSON *list)
{
    const cJSON *item;
    uint32_t n = 0;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *parameter = resolved(item);
        const char *name = cJSON_GetObjectItemCaseSensitive(parameter, "name")->valuestring;
        if (strcmp(cJSON_GetObjectItemCaseSensitive(parameter, "in")->valuestring, "query"))
            continue;
        ck_assert_msg(route->parameters && words_have(route->parameters, name), "%s %s takes %s",
                      route->method, route->pattern, name);
        n++;
    }
    return n;
}

START_TEST(parameters_are_those_of_the_routes)
{
    const cJSON *paths = cJSON_GetObjectItemCaseSensitive(document, "paths");
    for (size_t i = 0; i < n_routes; i++) {
        const struct route *route = &routes[i];
        char method[8] = "";
        if (route->parameters && !strcmp(route->parameters, ROUTE_ANY_PARAMETER))
            continue;
        for (size_t k = 0; route->method[k]; k++)
            method[k] = (char)tolower((unsigned char)route->method[k]);
        const cJSON *path = cJSON_GetObjectItemCaseSensitive(paths, route->pattern);
        const cJSON *operation = cJSON_GetObjectItemCaseSensitive(path, method);
        ck_assert_msg(operation != NULL, "%s %s is told of", route->method, route->pattern);
        uint32_t n = parameters_check(route, cJSON_GetObjectItemCaseSensitive(path, "parameters")) +
                     parameters_check(route, cJSON_GetObjectItemCaseSensitive(operation, "parameters")),
                 n_known = route->parameters ? 1 : 0;
        for (const char *c = route->parameters; c && *c; c++)
            n_known += *c == ' ';
        ck_assert_msg(n == n_known, "%s %s: %u parameters are told of, the route knows %u", route->method,
                      route->pattern, n, n_known);
    }
}
END_TEST

/* The lists that routes are made of, and what reads them. */
START_TEST(lists_of_parameters_are_what_is_read)
{
    char words[] = CSV_UPLOAD_PARAMETERS;
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        ck_assert_msg(csv_query_knows(word), "%s is read", word);
    for (uint32_t i = 0; csv_query_name(i); i++)
        ck_assert_msg(words_have(CSV_UPLOAD_PARAMETERS, csv_query_name(i)), "%s is listed",
                      csv_query_name(i));
    char fields[] = TRAIN_PARAMETERS;
    for (char *word = strtok(fields, " "); word; word = strtok(NULL, " "))
        ck_assert_msg(train_knows(word), "%s is a field", word);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("openapi");
    TCase *tc = tcase_create("openapi");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, enums_are_the_engines_tables);
    tcase_add_test(tc, properties_are_the_fields_of_a_request);
    tcase_add_test(tc, query_parameters_are_the_fields_that_fit_a_text);
    tcase_add_test(tc, parameters_are_those_of_the_routes);
    tcase_add_test(tc, lists_of_parameters_are_what_is_read);
    suite_add_tcase(suite, tc);
    return suite;
}
