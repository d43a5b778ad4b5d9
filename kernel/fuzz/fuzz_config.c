/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is either a configuration whose every value is in range, or a list of faults. */
#include "../src/config.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void require_names(char *const *names)
{
    for (; names && *names; names++) {
        require(**names != '\0' && **names != '=');
    }
}

static void require_pool(const struct pool_config *pool)
{
    require(pool->id && *pool->id);
    require(pool->command && *pool->command);
    require(pool->args != NULL);
    require(pool->instances >= 1 && pool->instances <= 1024);
    require(!pool->inherit_all || pool->inherit == NULL);
    require(pool->cwd == NULL || *pool->cwd);
    require_names(pool->env);
    require_names(pool->inherit);
    for (char *const *entry = pool->env; entry && *entry; entry++) {
        require(strchr(*entry, '=') != NULL);
    }
}

static void require_limits(const struct limits_config *limits)
{
    require(limits->max_input_buffer >= 64 && limits->max_input_buffer <= 1073741824);
    require(limits->max_output_queue >= 1 && limits->max_output_queue <= 4294967296);
    require(limits->max_total_buffer >= 1024 && limits->max_total_buffer <= 1099511627776);
    require(limits->max_restarts <= 1000000);
    require(limits->restart_window_sec >= 1 && limits->restart_window_sec <= 86400);
    require(limits->drain_timeout_sec <= 86400);
    require(limits->backpressure_timeout_sec >= 1 && limits->backpressure_timeout_sec <= 86400);
}

static void require_faults(const char *faults)
{
    size_t lines = 1;

    require(faults && *faults && strcmp(faults, "out of memory") != 0);
    for (const char *p = faults; *p; p++) {
        require((unsigned char)*p >= ' ' || *p == '\n');
        require(*p != '\n' || (p[1] != '\n' && p[1] != '\0'));
        lines += *p == '\n';
    }
    require(lines <= 51);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct bus_config config;
    char *faults;

    if (!config_read((const char *)data, size, &config, &faults)) {
        require_faults(faults);
        require(config.pools == NULL && config.pool_count == 0);
        free(faults);
        return 0;
    }
    require(faults == NULL);
    require(config.pool_count >= 1);
    for (size_t i = 0; i < config.pool_count; i++) {
        require_pool(&config.pools[i]);
    }
    require_limits(&config.limits);
    config_free(&config);
    return 0;
}
