// Readiness, status, watchdog and socket activation: sd_notify(3), sd_listen_fds(3).
#include <systemd/sd-daemon.h>
