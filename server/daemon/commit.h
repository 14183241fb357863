/* The commit that this binary was built from, in a file that each build writes
 * (cmake/commit.cmake): only the executable is linked again when it changes. */
#ifndef MLPD_DAEMON_COMMIT_H
#define MLPD_DAEMON_COMMIT_H

/* Twelve hexadecimal digits, with "-dirty" where files were changed since;
 * "unknown" without git. */
extern const char daemon_commit[];

#endif
