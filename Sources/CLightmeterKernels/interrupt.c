#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "CLightmeterKernels.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static int installed;
static struct sigaction before[2];
static const int signals[2] = {SIGINT, SIGTERM};

static void on_signal(int number) {
  // Only calls that a signal handler may make: no exit, no allocation, no output.
  if (__atomic_load_n(&caught, __ATOMIC_RELAXED) != 0) _exit(128 + number);
  __atomic_store_n(&caught, number, __ATOMIC_RELAXED);
}

void lm_interruption_install(void) {
  if (installed) return;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 2; i++) {
    sigaction(signals[i], NULL, &before[i]);
    if (before[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
  }
  installed = 1;
}

void lm_interruption_remove(void) {
  if (!installed) return;
  for (int i = 0; i < 2; i++) sigaction(signals[i], &before[i], NULL);
  __atomic_store_n(&caught, 0, __ATOMIC_RELAXED);
  installed = 0;
}

int lm_interruption_signal(void) { return __atomic_load_n(&caught, __ATOMIC_RELAXED); }
