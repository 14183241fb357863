/* Settings from flags (argp), environment and an INI file (inih), by one table.
 * Runs before any other thread starts. */
#define _GNU_SOURCE
#include "daemon/config.h"
#include "daemon/cpus.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if MLPD_INIH
#include <ini.h>
#endif

#define THREADS_MAX 1024
#define HTTP_THREADS_MAX 64
#define PORT_DEFAULT 8080
#define REQUEST_MEMORY_LEAST (64u << 20)

struct setting {
    const char *name, *env, *arg, *fallback, *doc;
    bool (*set)(struct config *config, const char *value, struct err *err);
};

static bool number_parse_u64(const char *text, uint64_t least, uint64_t most, uint64_t *number,
                             struct err *err)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || *text == '+' || value < least || value > most)
        return err_set(err, ERR_INPUT, "expected a whole number from %" PRIu64 " to %" PRIu64, least, most);
    *number = value;
    return true;
}

static bool port_parse(const char *text, uint16_t *port, struct err *err)
{
    uint64_t number;
    if (!number_parse_u64(text, 0, 65535, &number, err))
        return err_set(err, ERR_INPUT, "expected ADDRESS:PORT with a port from 0 to 65535, 0 for a free one");
    *port = (uint16_t)number;
    return true;
}

bool config_parse_address(const char *text, struct sockaddr_storage *address, struct err *err)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (!length || length >= sizeof host)
        return err_set(err, ERR_INPUT, "expected ADDRESS:PORT, as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:80");
    uint16_t port;
    if (!port_parse(colon + 1, &port, err))
        return false;
    memcpy(host, text, length);
    host[length] = 0;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    *address = (struct sockaddr_storage){0};
    if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = 0;
        if (inet_pton(AF_INET6, host + 1, &v6.sin6_addr) == 1) {
            memcpy(address, &v6, sizeof v6);
            return true;
        }
    } else if (inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &v4.sin_addr) == 1) {
        memcpy(address, &v4, sizeof v4);
        return true;
    }
    return err_set(err, ERR_INPUT,
                   "expected an address of this machine and a port, as 127.0.0.1:8080 or [::1]:8080");
}

bool config_parse_size(const char *text, uint64_t *size, struct err *err)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    uint64_t unit = 1;
    const char *letters = "KMGT", *letter = *end ? strchr(letters, *end & ~0x20) : NULL;
    if (letter) {
        bool binary = end[1] == 'i';
        for (const char *l = letters; l <= letter; l++)
            unit *= binary ? 1024 : 1000;
        end += binary ? 2 : 1;
    }
    if (*end == 'B')
        end++;
    if (errno || *end || text[0] < '0' || text[0] > '9' || number == 0 || number > INT64_MAX / unit)
        return err_set(err, ERR_INPUT, "expected a size, as 20GB, 512MiB or 1000000");
    *size = number * unit;
    return true;
}

static bool listen_set(struct config *config, const char *value, struct err *err)
{
    if (!config_parse_address(value, &config->listen, err))
        return false;
    size_t length = strnlen(value, sizeof config->listen_text - 1);
    memcpy(config->listen_text, value, length);
    config->listen_text[length] = 0;
    return true;
}

static bool text_set(char **text, const char *value, struct err *err)
{
    char *copy = strdup(value);
    if (!copy)
        return err_memory(err, "the configuration");
    free(*text);
    *text = copy;
    return true;
}

/* systemd's StateDirectory= gives a colon-separated list; ours is the first. */
static bool state_dir_set(struct config *config, const char *value, struct err *err)
{
    const char *given = getenv("STATE_DIRECTORY");
    if (*value)
        return text_set(&config->state_dir, value, err);
    if (!given || !*given)
        return text_set(&config->state_dir, "./mlpd-state", err);
    if (!text_set(&config->state_dir, given, err))
        return false;
    config->state_dir[strcspn(config->state_dir, ":")] = 0;
    return true;
}

/* The page of the build tree where this binary lies in one, else of the prefix
 * that it is installed in. */
static bool static_dir_set(struct config *config, const char *value, struct err *err)
{
    static const char *const places[] = {MLPD_STATIC_BUILD, MLPD_STATIC_INSTALLED};
    char self[PATH_MAX], page[PATH_MAX * 2];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (*value)
        return text_set(&config->static_dir, value, err);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (!slash)
        return text_set(&config->static_dir, "", err);
    slash[1] = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int length = snprintf(page, sizeof page, "%s%s", self, places[i]);
        size_t end = (size_t)length;
        snprintf(page + end, sizeof page - end, "/index.html");
        if (access(page, R_OK) == 0) {
            page[end] = 0;
            return text_set(&config->static_dir, page, err);
        }
    }
    return text_set(&config->static_dir, "", err);
}

static bool threads_set(struct config *config, const char *value, struct err *err)
{
    uint64_t n = cpus_allowed();
    if (*value && !number_parse_u64(value, 1, THREADS_MAX, &n, err))
        return false;
    config->threads = n < THREADS_MAX ? (uint32_t)n : THREADS_MAX;
    return true;
}

/* On two processors one thread: two and a client are one too many, and who
 * waits for the scheduler's tick is milliseconds late. */
static bool http_threads_set(struct config *config, const char *value, struct err *err)
{
    uint64_t n = cpus_allowed() > 2 ? 2 : 1;
    if (*value && !number_parse_u64(value, 1, HTTP_THREADS_MAX, &n, err))
        return false;
    config->http_threads = (uint32_t)n;
    return true;
}

static bool max_body_set(struct config *config, const char *value, struct err *err)
{
    return config_parse_size(value, &config->max_body, err);
}

static bool max_connections_set(struct config *config, const char *value, struct err *err)
{
    uint64_t n;
    if (!number_parse_u64(value, 4, 65536, &n, err))
        return false;
    config->max_connections = (uint32_t)n;
    return true;
}

static bool max_jobs_set(struct config *config, const char *value, struct err *err)
{
    uint64_t n;
    if (!number_parse_u64(value, 1, 1000000, &n, err))
        return false;
    config->max_jobs = (uint32_t)n;
    return true;
}

static bool job_memory_set(struct config *config, const char *value, struct err *err)
{
    config->job_memory = memory_allowed() / 4 * 3;
    return !*value || config_parse_size(value, &config->job_memory, err);
}

static bool max_job_seconds_set(struct config *config, const char *value, struct err *err)
{
    return number_parse_u64(value, 0, 1000000000, &config->max_job_seconds, err);
}

static bool model_memory_set(struct config *config, const char *value, struct err *err)
{
    return config_parse_size(value, &config->model_memory, err);
}

/* An eighth: beside what jobs may have (three quarters) there is room for the
 * models and the rest. */
static bool request_memory_set(struct config *config, const char *value, struct err *err)
{
    uint64_t size = memory_allowed() / 8;
    if (*value && !config_parse_size(value, &size, err))
        return false;
    if (*value && size < REQUEST_MEMORY_LEAST)
        return err_set(err, ERR_INPUT, "expected at least %u bytes", REQUEST_MEMORY_LEAST);
    config->request_memory = size < REQUEST_MEMORY_LEAST ? REQUEST_MEMORY_LEAST : size;
    return true;
}

static bool scrub_rate_set(struct config *config, const char *value, struct err *err)
{
    config->scrub_rate = 0;
    return !strcmp(value, "0") || config_parse_size(value, &config->scrub_rate, err);
}

/* "10GB", "30d", "0". */
static bool keep_uploads_set(struct config *config, const char *value, struct err *err)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}};
    char *end;
    unsigned long long n = strtoull(value, &end, 10);
    config->keep_uploads = (struct keep_limit){0};
    config->keeps_uploads = strcmp(value, "0") != 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (end > value && *value != '-' && *end == units[i].unit && !end[1]) {
            if (n == 0 || n > 1000000)
                return err_set(err, ERR_INPUT, "expected at least 1 and at most 1000000 of a unit of time");
            config->keep_uploads.seconds = n * units[i].seconds;
            return true;
        }
    return !config->keeps_uploads || config_parse_size(value, &config->keep_uploads.bytes, err);
}

static bool recover_set(struct config *config, const char *value, struct err *err)
{
    config->recover = !strcmp(value, "yes");
    return config->recover || !strcmp(value, "no") || err_set(err, ERR_INPUT, "expected yes or no");
}

static bool log_level_set(struct config *config, const char *value, struct err *err)
{
    int level = log_level_find(value);
    if (level < 0)
        return err_set(err, ERR_INPUT, "expected error, warning, info or debug");
    config->log_level = (enum log_level)level;
    return true;
}

static bool hosts_set(struct config *config, const char *value, struct err *err)
{
    while (*value) {
        size_t length = strcspn(value, ",");
        if (config->n_hosts == CONFIG_HOSTS_MAX || length == 0 || length > 253)
            return err_set(err, ERR_INPUT, "expected at most %d host names with commas between them",
                           CONFIG_HOSTS_MAX);
        char *host = strndup(value, length);
        if (!host)
            return err_memory(err, "the configuration");
        config->hosts[config->n_hosts++] = host;
        value += length + (value[length] == ',');
    }
    return true;
}

/* CONFIG is first: it says where the file is, and is no key of it. */
static const struct setting settings[] = {
    {"config", "MLPD_CONFIG", "FILE", "",
     "Read settings from FILE: lines of \"name = value\", names as these flags", NULL},
    {"listen", "MLPD_LISTEN", "ADDR:PORT", "127.0.0.1:8080",
     "Serve here (127.0.0.1:8080); port 0 picks a free one", listen_set},
    {"state-dir", "MLPD_STATE_DIR", "DIR", "", "Keep everything here ($STATE_DIRECTORY, else ./mlpd-state)",
     state_dir_set},
    {"threads", "MLPD_THREADS", "N", "", "Threads to train with (as many processors as this process may use)",
     threads_set},
    {"http-threads", "MLPD_HTTP_THREADS", "N", "",
     "Threads that take requests (2; 1 where this process may use two processors or one)", http_threads_set},
    {"static-dir", "MLPD_STATIC_DIR", "DIR", "",
     "Where the page lies (beside the binary, else in its prefix)", static_dir_set},
    {"max-body", "MLPD_MAX_BODY", "SIZE", "20GB", "Largest upload (20GB)", max_body_set},
    {"max-connections", "MLPD_MAX_CONNECTIONS", "N", "1024",
     "Connections at one time (1024); an address may hold half of them, loopback all", max_connections_set},
    {"max-jobs", "MLPD_MAX_JOBS", "N", "1000", "Jobs that may wait at one time (1000)", max_jobs_set},
    {"job-memory", "MLPD_JOB_MEMORY", "SIZE", "",
     "Memory that jobs may take together (three quarters of the machine's)", job_memory_set},
    {"max-job-seconds", "MLPD_MAX_JOB_SECONDS", "N", "0", "Seconds that a job may train; 0: no limit (0)",
     max_job_seconds_set},
    {"model-memory", "MLPD_MODEL_MEMORY", "SIZE", "1GiB",
     "Memory that loaded models may take together (1GiB)", model_memory_set},
    {"request-memory", "MLPD_REQUEST_MEMORY", "SIZE", "",
     "Memory that requests may take together (an eighth of the machine's, at least 64MiB)",
     request_memory_set},
    {"scrub-rate", "MLPD_SCRUB_RATE", "SIZE", "20MB",
     "Bytes of tables and models a second that are read for damage while nothing else happens; 0: none "
     "(20MB)",
     scrub_rate_set},
    {"keep-uploads", "MLPD_KEEP_UPLOADS", "LIMIT", "10GB",
     "Keep uploads as they came, compressed, to be read again: a size for all of them, or a time as 30d or "
     "12h; 0: none (10GB)",
     keep_uploads_set},
    {"allow-host", "MLPD_ALLOW_HOST", "NAMES", "",
     "Host names, comma-separated, that this service is reached by", hosts_set},
    {"recover", "MLPD_RECOVER", "yes", "no",
     "First build the catalogue again from what the files in the state folder say (no)", recover_set},
    {"log-level", "MLPD_LOG_LEVEL", "LEVEL", "info", "error, warning, info or debug (info)", log_level_set},
};
enum {
    N_SETTINGS = sizeof settings / sizeof *settings,
    SETTING_CONFIG = 0,
    KEY_FIRST = 256,
    KEY_VERSION = 'V'
};

/* What was given, by setting; NULL where it was not. */
struct given {
    const char *flags[N_SETTINGS]; /* point into argv */
    char *file[N_SETTINGS];        /* owned */
    bool version;
    struct err *err;
    bool failed; /* *err is written */
};

static int setting_find(const char *name)
{
    for (int i = 0; i < N_SETTINGS; i++)
        if (!strcmp(settings[i].name, name))
            return i;
    return -1;
}

static error_t flag_take(int key, char *arg, struct argp_state *state)
{
    struct given *given = state->input;
    if (key == KEY_VERSION)
        given->version = true;
    else if (key >= KEY_FIRST && key < KEY_FIRST + N_SETTINGS)
        given->flags[key - KEY_FIRST] =
            arg ? arg : settings[key - KEY_FIRST].arg; /* --recover alone is --recover=yes */
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "unexpected argument \"%s\": settings are given as --name=value", arg);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static bool flags_read(struct given *given, int argc, char **argv, struct err *err)
{
    struct argp_option options[N_SETTINGS + 2] = {{0}};
    for (int i = 0; i < N_SETTINGS; i++)
        options[i] = (struct argp_option){.name = settings[i].name,
                                          .key = KEY_FIRST + i,
                                          .arg = settings[i].arg,
                                          .flags = settings[i].set == recover_set ? OPTION_ARG_OPTIONAL : 0,
                                          .doc = settings[i].doc};
    options[N_SETTINGS] =
        (struct argp_option){.name = "version", .key = KEY_VERSION, .doc = "Print the version"};
    const struct argp parser = {
        .options = options,
        .parser = flag_take,
        .doc =
            "Train multilayer perceptrons from CSV files and serve them over HTTP.\v"
            "Every flag is also an environment variable (MLPD_LISTEN, MLPD_STATE_DIR, ...) and a key of the "
            "configuration file; a flag comes before the environment, the environment before the file."};
    error_t code = argp_parse(&parser, argc, argv, 0, NULL, given);
    return code == 0 || err_set(err, ERR_INPUT, "reading the flags failed: %s", strerror(code));
}

#if MLPD_INIH
static int key_take(void *self, const char *section, const char *name, const char *value)
{
    struct given *given = self;
    int i = setting_find(name);
    if (given->failed)
        return 0;
    if (i == SETTING_CONFIG || i < 0 || *section) {
        given->failed = !err_set(given->err, ERR_INPUT,
                                 "unknown setting \"%s%s%s\": expected a flag's name without the dashes, as "
                                 "in listen = 127.0.0.1:8080",
                                 section, *section ? "." : "", name);
        return 0;
    }
    free(given->file[i]);
    given->file[i] = strdup(value);
    if (!given->file[i])
        given->failed = !err_memory(given->err, "the configuration");
    return !given->failed;
}

static bool file_read(struct given *given, const char *path, struct err *err)
{
    struct err reason = {0};
    given->err = &reason;
    int line = ini_parse(path, key_take, given);
    given->err = NULL;
    if (line == -1)
        return err_errno(err, "the configuration file %s cannot be read", path);
    if (line == 0 && !given->failed)
        return true;
    return err_set(err, ERR_INPUT, "%s, line %d: %s", path, line,
                   given->failed ? reason.msg : "expected \"name = value\"");
}
#else
static bool file_read(struct given *given, const char *path, struct err *err)
{
    (void)given;
    return err_set(err, ERR_INPUT, "%s cannot be read: this build has no support for configuration files",
                   path);
}
#endif

static const char *environment_value(int i)
{
    const char *value = getenv(settings[i].env);
    return value && *value ? value : NULL;
}

/* Where the value comes from, for its message. */
static void source_name(const struct given *given, int i, char *name, size_t size)
{
    if (given->flags[i])
        snprintf(name, size, "--%s", settings[i].name);
    else if (environment_value(i))
        snprintf(name, size, "%s", settings[i].env);
    else
        snprintf(name, size, "%s in the configuration file", settings[i].name);
}

static bool setting_apply(struct config *config, const struct given *given, int i, struct err *err)
{
    const char *value = given->flags[i] ? given->flags[i] : environment_value(i);
    struct err reason = {0};
    if (!value)
        value = given->file[i] ? given->file[i] : settings[i].fallback;
    if (settings[i].set(config, value, &reason))
        return true;
    char source[96];
    source_name(given, i, source, sizeof source);
    return err_set(err, reason.code, "%s: \"%.100s\": %s", source, value, reason.msg);
}

bool config_load(struct config *config, int argc, char **argv, struct err *err)
{
    struct given given = {0};
    *config = (struct config){0};
    bool ok = flags_read(&given, argc, argv, err);
    config->show_version = given.version;
    if (!ok || given.version)
        return ok;
    const char *file =
        given.flags[SETTING_CONFIG] ? given.flags[SETTING_CONFIG] : environment_value(SETTING_CONFIG);
    if (file)
        ok = file_read(&given, file, err);
    for (int i = SETTING_CONFIG + 1; ok && i < N_SETTINGS; i++)
        ok = setting_apply(config, &given, i, err);
    for (int i = 0; i < N_SETTINGS; i++)
        free(given.file[i]);
    if (!ok)
        config_done(config);
    return ok;
}

void config_done(struct config *config)
{
    free(config->state_dir);
    free(config->static_dir);
    for (uint32_t i = 0; i < config->n_hosts; i++)
        free(config->hosts[i]);
    *config = (struct config){0};
}
