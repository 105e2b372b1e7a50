// A small pool of threads for work of tens of microseconds: one job at a time, cut into shards that its threads and the
// caller take in turn. What a shard computes must not depend on who runs it, so results are the same at any thread count.
// Beside the job there may be an errand, work that nobody waits for yet.
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "include/CLightmeterKernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#define RELAX() _mm_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() ((void)0)
#endif

// Waiting threads look about this long before they sleep: longer than the serial gaps inside a training step. On a machine
// with other work, longer spinning takes the cores away from the very threads that are waited for. By the clock, since a
// pause takes 6 ns on one processor and 60 on another.
#define PATIENCE 100000
#define LOOKS 64
#define MOST_THREADS 256

// The state of the job in one word, so that a shard is taken by one compare-and-swap: round, end and beginning of the shards
// that nobody has taken. The caller takes from the beginning and the others from the end: a thread that finds the same part
// of a row's numbers in every job has them near, and who is late leaves its shards to others.
#define SHARD_BITS 20
#define TICKET(round, first, end) (((uint64_t)(round) << (2 * SHARD_BITS)) | ((uint64_t)(end) << SHARD_BITS) | (first))
#define END(ticket) (((ticket) >> SHARD_BITS) & ((1u << SHARD_BITS) - 1))
#define FIRST(ticket) ((ticket) & ((1u << SHARD_BITS) - 1))

static _Atomic uint64_t ticket;
static _Atomic uint32_t finished;
static _Atomic int sleepers, stopping;
static void (*job)(void *context, int shard);
static void *jobContext;
static unsigned jobMode;

static pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t bed = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t alarm_ = PTHREAD_COND_INITIALIZER;
static pthread_t workers[MOST_THREADS];
static _Atomic int threads = 1;
static uint64_t jobRound;

// The errand that waits for a thread, taken by exchange: whoever gets it owns it, so its memory is never read too late.
static _Atomic(struct lm_errand *) errand;
enum { KEPT, OUT, DONE };
// An errand is one thread's work: what it asks of the pool it does itself.
static _Thread_local int runsErrand;

/// Takes and runs shards until none is left.
static void work(int fromEnd) {
  uint64_t seen = atomic_load_explicit(&ticket, memory_order_acquire);
  while (FIRST(seen) < END(seen)) {
    uint64_t left = fromEnd ? seen - ((uint64_t)1 << SHARD_BITS) : seen + 1;
    // Success means that the job of this very ticket is still unfinished: its fields cannot change before `finished` does.
    if (!atomic_compare_exchange_weak_explicit(&ticket, &seen, left, memory_order_acq_rel, memory_order_acquire))
      continue;
    unsigned mode = lm_set_rounding_mode(jobMode);
    job(jobContext, fromEnd ? (int)END(left) : (int)FIRST(seen));
    lm_set_rounding_mode(mode);
    atomic_fetch_add_explicit(&finished, 1, memory_order_release);
    seen = atomic_load_explicit(&ticket, memory_order_acquire);
  }
}

static void run_errand(struct lm_errand *own) {
  unsigned mode = lm_set_rounding_mode(own->mode);
  own->body(own->context);
  lm_set_rounding_mode(mode);
  __atomic_store_n(&own->state, DONE, __ATOMIC_RELEASE);
}

static int nothing_to_do(void) {
  uint64_t seen = atomic_load(&ticket);
  return FIRST(seen) >= END(seen) && !atomic_load(&stopping) && !atomic_load(&errand);
}

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *worker(void *unused) {
  (void)unused;
  while (1) {
    uint64_t start = nanoseconds();
    do {
      for (int look = 0; look < LOOKS && nothing_to_do(); look++) RELAX();
    } while (nothing_to_do() && nanoseconds() - start < PATIENCE);
    if (nothing_to_do()) {
      pthread_mutex_lock(&bed);
      atomic_fetch_add(&sleepers, 1);
      while (nothing_to_do()) pthread_cond_wait(&alarm_, &bed);
      atomic_fetch_sub(&sleepers, 1);
      pthread_mutex_unlock(&bed);
    }
    if (atomic_load(&stopping)) return NULL;
    // First: the shards of a job have other takers, and the sooner an errand is done the less is waited for it.
    struct lm_errand *own = atomic_exchange(&errand, NULL);
    if (own) {
      runsErrand = 1;
      run_errand(own);
      runsErrand = 0;
    }
    work(1);
  }
}

static void wake(void) {
  if (atomic_load(&sleepers) == 0) return;
  pthread_mutex_lock(&bed);
  pthread_cond_broadcast(&alarm_);
  pthread_mutex_unlock(&bed);
}

int lm_processors(void) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0) return CPU_COUNT(&allowed);
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

int lm_threads(void) { return atomic_load(&threads); }

int lm_use_threads(int count) {
  if (count < 1) count = 1;
  if (count > MOST_THREADS) count = MOST_THREADS;
  pthread_mutex_lock(&busy);
  int had = atomic_load(&threads);
  if (count != had) {
    atomic_store(&stopping, 1);
    wake();
    for (int k = 1; k < had; k++) pthread_join(workers[k], NULL);
    atomic_store(&stopping, 0);
    int started = 1;
    while (started < count && pthread_create(&workers[started], NULL, worker, NULL) == 0) started++;
    atomic_store(&threads, started);
    count = started;
  }
  pthread_mutex_unlock(&busy);
  return count;
}

// Waits for another thread, which may have lost its core: after a while its place is given up for it.
#define AWAIT(condition)                                                                                               \
  do {                                                                                                                 \
    uint64_t start = 0;                                                                                                \
    for (uint64_t look = 1; !(condition); look++) {                                                                    \
      RELAX();                                                                                                         \
      if (look % LOOKS != 0) continue;                                                                                 \
      if (start == 0) start = nanoseconds();                                                                           \
      if (nanoseconds() - start > PATIENCE) sched_yield();                                                             \
    }                                                                                                                  \
  } while (0)

void lm_parallel(int shards, void (*body)(void *context, int shard), void *context) {
  // Another caller's job, or a job inside a shard, runs by itself: the shards are the same.
  if (shards < 2 || shards >= 1 << SHARD_BITS || runsErrand || lm_threads() < 2 || pthread_mutex_trylock(&busy) != 0) {
    for (int shard = 0; shard < shards; shard++) body(context, shard);
    return;
  }
  job = body;
  jobContext = context;
  jobMode = lm_rounding_mode();
  atomic_store_explicit(&finished, 0, memory_order_relaxed);
  jobRound = (jobRound + 1) & 0xffffff;
  atomic_store(&ticket, TICKET(jobRound, 0, shards));
  wake();
  work(0);
  AWAIT(atomic_load_explicit(&finished, memory_order_acquire) == (uint32_t)shards);
  pthread_mutex_unlock(&busy);
}

void lm_hand_out_errand(struct lm_errand *own) {
  own->mode = lm_rounding_mode();
  own->state = KEPT;
  struct lm_errand *none = NULL;
  if (runsErrand || lm_threads() < 2) return;
  own->state = OUT;
  if (atomic_compare_exchange_strong(&errand, &none, own)) {
    wake();
  } else {
    own->state = KEPT;
  }
}

void lm_finish_errand(struct lm_errand *own) {
  struct lm_errand *still = own;
  if (__atomic_load_n(&own->state, __ATOMIC_ACQUIRE) == KEPT || atomic_compare_exchange_strong(&errand, &still, NULL)) {
    run_errand(own);
    return;
  }
  AWAIT(__atomic_load_n(&own->state, __ATOMIC_ACQUIRE) == DONE);
}
