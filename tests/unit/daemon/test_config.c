/* Settings: what text they take, and where the processors' number comes from.
 * And the pure parts beside them: Host and Origin. */
#include "daemon/config.h"
#include "daemon/cpus.h"
#include "helper_main.h"
#include "http/guard.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(addresses_are_read)
{
    static const struct {
        const char *text;
        int family;
        uint16_t port;
    } cases[] = {{"127.0.0.1:8080", AF_INET, 8080},
                 {"0.0.0.0:0", AF_INET, 0},
                 {"localhost:80", AF_INET, 80},
                 {"[::1]:8080", AF_INET6, 8080},
                 {"[::]:65535", AF_INET6, 65535}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_storage address;
        struct err err = {0};
        ck_assert_msg(config_parse_address(cases[i].text, &address, &err), "%s: %s", cases[i].text, err.msg);
        ck_assert_int_eq(address.ss_family, cases[i].family);
        in_port_t port = cases[i].family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                    : ((struct sockaddr_in6 *)&address)->sin6_port;
        ck_assert_uint_eq(ntohs(port), cases[i].port);
    }
}
END_TEST

START_TEST(wrong_addresses_are_refused)
{
    static const char *const cases[] = {"",
                                        "8080",
                                        ":8080",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        "127.0.0.1:65536",
                                        "1.2.3:80",
                                        "::1:80",
                                        "[::1]",
                                        "[::1:80",
                                        "host.name:80",
                                        "127.0.0.1:-1",
                                        "127.0.0.1:+1",
                                        "127.0.0.1:8o",
                                        "[127.0.0.1]:80"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_storage address;
        struct err err = {0};
        ck_assert_msg(!config_parse_address(cases[i], &address, &err), "%s", cases[i]);
        ck_assert_int_eq(err.code, ERR_INPUT);
        ck_assert_ptr_nonnull(strstr(err.msg, "expected"));
    }
}
END_TEST

START_TEST(sizes_are_read)
{
    static const struct {
        const char *text;
        uint64_t size;
    } cases[] = {{"1", 1},
                 {"1000000", 1000000},
                 {"20GB", 20000000000},
                 {"20G", 20000000000},
                 {"512MiB", 512u << 20},
                 {"64kB", 64000},
                 {"2Ti", 2ull << 40},
                 {"7B", 7},
                 {"9223372036854775807", INT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t size;
        struct err err = {0};
        ck_assert_msg(config_parse_size(cases[i].text, &size, &err), "%s: %s", cases[i].text, err.msg);
        ck_assert_uint_eq(size, cases[i].size);
    }
}
END_TEST

START_TEST(wrong_sizes_are_refused)
{
    static const char *const cases[] = {
        "", "0", "-1", "big", "1.5GB", "1GBs", "10XB", "9223372036854775808", "10000000TB", " 1", "KB"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t size;
        struct err err = {0};
        ck_assert_msg(!config_parse_size(cases[i], &size, &err), "%s", cases[i]);
        ck_assert_int_eq(err.code, ERR_INPUT);
    }
}
END_TEST

START_TEST(quotas_round_up_to_whole_processors)
{
    ck_assert_uint_eq(cpus_parse_quota("100000 100000\n"), 1);
    ck_assert_uint_eq(cpus_parse_quota("150000 100000\n"), 2);
    ck_assert_uint_eq(cpus_parse_quota("800000 100000\n"), 8);
    ck_assert_uint_eq(cpus_parse_quota("1000 100000\n"), 1);
    ck_assert_uint_eq(cpus_parse_quota("max 100000\n"), UINT32_MAX);
    ck_assert_uint_eq(cpus_parse_quota(""), UINT32_MAX);
    ck_assert_uint_ge(cpus_allowed(), 1);
}
END_TEST

START_TEST(flags_come_before_the_environment)
{
    struct config config;
    struct err err = {0};
    char *flags[] = {(char[]){"mlpd"}, (char[]){"--threads=3"}, (char[]){"--allow-host=a.example,b.example"},
                     NULL};
    setenv("MLPD_THREADS", "2", 1);
    unsetenv("MLPD_HTTP_THREADS");
    setenv("MLPD_LISTEN", "[::1]:99", 1);
    setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
    ck_assert_msg(config_load(&config, 3, flags, &err), "%s", err.msg);
    ck_assert_uint_eq(config.threads, 3);
    ck_assert_uint_eq(config.http_threads, cpus_allowed() > 2 ? 2 : 1);
    ck_assert_int_eq(config.listen.ss_family, AF_INET6);
    ck_assert_str_eq(config.state_dir, "/var/lib/one");
    ck_assert_uint_eq(config.n_hosts, 2);
    ck_assert_str_eq(config.hosts[1], "b.example");
    ck_assert_uint_eq(config.max_body, 20000000000);
    config_done(&config);
}
END_TEST

START_TEST(a_wrong_value_names_its_source)
{
    struct config config;
    struct err err = {0};
    char *flags[] = {(char[]){"mlpd"}, NULL};
    setenv("MLPD_MAX_CONNECTIONS", "several", 1);
    ck_assert(!config_load(&config, 1, flags, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "MLPD_MAX_CONNECTIONS"));
    ck_assert_ptr_nonnull(strstr(err.msg, "\"several\""));
    ck_assert_ptr_nonnull(strstr(err.msg, "expected a whole number from 4"));
}
END_TEST

START_TEST(hosts_that_a_page_elsewhere_could_send_are_refused)
{
    char *hosts[] = {(char[]){"models.example"}}, *any[] = {(char[]){"*"}};
    static const char *const ours[] = {"localhost",   "LOCALHOST:80", "localhost.:80", "x.localhost",
                                       "127.0.0.1:1", "[::1]",        "[fe80::1]:80",  "models.example:80"};
    static const char *const others[] = {
        "",      ":80",         "evil.example", "models.example.evil", "localhost:80x", "[::1",
        "[::g]", "127.0.0.1.x", "notlocalhost", "[localhost]",         "::1",           ".localhost"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        ck_assert_msg(guard_host(ours[i], hosts, 1), "%s", ours[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!guard_host(others[i], hosts, 1), "%s", others[i]);
    ck_assert(guard_host("evil.example", any, 1));
}
END_TEST

START_TEST(origins_must_be_this_service)
{
    ck_assert(guard_origin(NULL, NULL, "localhost:80"));
    ck_assert(guard_origin("http://localhost:80", "same-origin", "localhost:80"));
    ck_assert(guard_origin("https://models.example", NULL, "models.example"));
    ck_assert(!guard_origin("http://localhost:81", NULL, "localhost:80"));
    ck_assert(!guard_origin("null", NULL, "localhost:80"));
    ck_assert(!guard_origin("http://evil.example", NULL, "localhost:80"));
    ck_assert(!guard_origin(NULL, "cross-site", "localhost:80"));
    ck_assert(!guard_origin("http://localhost:80", "same-site", "localhost:80"));
    ck_assert(!guard_origin("http://localhost:80", NULL, NULL));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, addresses_are_read);
    tcase_add_test(tests, wrong_addresses_are_refused);
    tcase_add_test(tests, sizes_are_read);
    tcase_add_test(tests, wrong_sizes_are_refused);
    tcase_add_test(tests, quotas_round_up_to_whole_processors);
    tcase_add_test(tests, flags_come_before_the_environment);
    tcase_add_test(tests, a_wrong_value_names_its_source);
    tcase_add_test(tests, hosts_that_a_page_elsewhere_could_send_are_refused);
    tcase_add_test(tests, origins_must_be_this_service);
    return suite;
}
