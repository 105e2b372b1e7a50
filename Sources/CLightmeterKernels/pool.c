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

// Fields of one writer, or read at one moment, share a cache line with nothing else: a line that another core has written
// takes a tenth of a microsecond to come. A processor may fetch lines in pairs.
#define LINES 128

// What a waiting thread looks at, and what it needs to begin.
static struct {
  _Alignas(LINES) _Atomic uint64_t ticket;
  void (*job)(void *context, int shard);
  void *context;
  // The errand that waits for a thread, taken by exchange: whoever gets it owns it, so its memory is never read too late.
  _Atomic(struct lm_errand *) errand;
  unsigned mode;
  _Atomic int stopping;
} call;
// Shards that other threads than the caller have finished; each adds its own when it finds no more.
static struct {
  _Alignas(LINES) _Atomic uint32_t finished;
} others;
// The caller's alone, but for who sleeps.
static struct {
  _Alignas(LINES) pthread_mutex_t busy;
  uint64_t round;
  _Atomic int threads, sleepers;
} own = {.busy = PTHREAD_MUTEX_INITIALIZER, .threads = 1};

static pthread_mutex_t bed = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t alarm_ = PTHREAD_COND_INITIALIZER;
static pthread_t workers[MOST_THREADS];
enum { KEPT, OUT, DONE };
// An errand is one thread's work: what it asks of the pool it does itself.
static _Thread_local int runsErrand;
// An errand is done in parts, and from the lead-th on its thread takes shards of jobs in between: so the parts fall into the
// moments in which there is no job. An errand that gives way too often is late; the lead follows from how the last ones ended
// and is at most all parts.
static _Thread_local int partsDone;
static _Atomic int lead, parts;
#define LATE_LEAD 2

/// Takes and runs shards until none is left; how many it ran.
static uint32_t work(int fromEnd) {
  uint32_t done = 0;
  unsigned mode = 0;
  uint64_t seen = atomic_load_explicit(&call.ticket, memory_order_acquire);
  while (FIRST(seen) < END(seen)) {
    uint64_t left = fromEnd ? seen - ((uint64_t)1 << SHARD_BITS) : seen + 1;
    // Success means that the job of this very ticket is still unfinished: its fields cannot change before this thread says
    // that the shard is done.
    if (!atomic_compare_exchange_weak_explicit(&call.ticket, &seen, left, memory_order_acq_rel, memory_order_acquire))
      continue;
    if (fromEnd && done == 0) mode = lm_set_rounding_mode(call.mode);
    call.job(call.context, fromEnd ? (int)END(left) : (int)FIRST(seen));
    done++;
    seen = atomic_load_explicit(&call.ticket, memory_order_acquire);
  }
  if (fromEnd && done > 0) {
    lm_set_rounding_mode(mode);
    atomic_fetch_add_explicit(&others.finished, done, memory_order_release);
  }
  return done;
}

static void run_errand(struct lm_errand *errand) {
  unsigned mode = lm_set_rounding_mode(errand->mode);
  errand->body(errand->context);
  lm_set_rounding_mode(mode);
  __atomic_store_n(&errand->state, DONE, __ATOMIC_RELEASE);
}

void lm_end_part(void) {
  if (runsErrand && partsDone++ >= atomic_load_explicit(&lead, memory_order_relaxed)) work(1);
}

static int nothing_to_do(void) {
  uint64_t seen = atomic_load_explicit(&call.ticket, memory_order_acquire);
  return FIRST(seen) >= END(seen) && !atomic_load(&call.stopping) && !atomic_load(&call.errand);
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
      atomic_fetch_add(&own.sleepers, 1);
      while (nothing_to_do()) pthread_cond_wait(&alarm_, &bed);
      atomic_fetch_sub(&own.sleepers, 1);
      pthread_mutex_unlock(&bed);
    }
    if (atomic_load(&call.stopping)) return NULL;
    // First: the shards of a job have other takers, and the sooner an errand is done the less is waited for it.
    struct lm_errand *taken = atomic_load(&call.errand) ? atomic_exchange(&call.errand, NULL) : NULL;
    if (taken) {
      runsErrand = 1;
      partsDone = 0;
      run_errand(taken);
      runsErrand = 0;
      atomic_store_explicit(&parts, partsDone, memory_order_relaxed);
    }
    work(1);
  }
}

static void wake(void) {
  if (atomic_load(&own.sleepers) == 0) return;
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

int lm_threads(void) { return atomic_load(&own.threads); }

int lm_use_threads(int count) {
  if (count < 1) count = 1;
  if (count > MOST_THREADS) count = MOST_THREADS;
  pthread_mutex_lock(&own.busy);
  int had = atomic_load(&own.threads);
  if (count != had) {
    atomic_store(&call.stopping, 1);
    wake();
    for (int k = 1; k < had; k++) pthread_join(workers[k], NULL);
    atomic_store(&call.stopping, 0);
    int started = 1;
    while (started < count && pthread_create(&workers[started], NULL, worker, NULL) == 0) started++;
    atomic_store(&own.threads, started);
    count = started;
  }
  pthread_mutex_unlock(&own.busy);
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
  if (shards < 2 || shards >= 1 << SHARD_BITS || runsErrand || lm_threads() < 2 || pthread_mutex_trylock(&own.busy) != 0) {
    for (int shard = 0; shard < shards; shard++) {
      body(context, shard);
      lm_end_part();
    }
    return;
  }
  call.job = body;
  call.context = context;
  call.mode = lm_rounding_mode();
  atomic_store_explicit(&others.finished, 0, memory_order_relaxed);
  own.round = (own.round + 1) & 0xffffff;
  atomic_store(&call.ticket, TICKET(own.round, 0, shards));
  wake();
  uint32_t left = (uint32_t)shards - work(0);
  AWAIT(atomic_load_explicit(&others.finished, memory_order_acquire) == left);
  pthread_mutex_unlock(&own.busy);
}

void lm_hand_out_errand(struct lm_errand *errand) {
  errand->mode = lm_rounding_mode();
  errand->state = KEPT;
  struct lm_errand *none = NULL;
  if (runsErrand || lm_threads() < 2) return;
  errand->state = OUT;
  if (atomic_compare_exchange_strong(&call.errand, &none, errand)) {
    wake();
  } else {
    errand->state = KEPT;
  }
}

// One that was late goes first for longer; sixteen in time, and the next gives way a part sooner.
static void follow(int early) {
  static _Atomic int inTime;
  int now = atomic_load_explicit(&lead, memory_order_relaxed);
  if (!early) {
    int most = atomic_load_explicit(&parts, memory_order_relaxed), more = now + LATE_LEAD;
    atomic_store_explicit(&lead, more < most ? more : most, memory_order_relaxed);
    atomic_store_explicit(&inTime, 0, memory_order_relaxed);
  } else if (now > 0 && atomic_fetch_add_explicit(&inTime, 1, memory_order_relaxed) % 16 == 15) {
    atomic_store_explicit(&lead, now - 1, memory_order_relaxed);
  }
}

void lm_finish_errand(struct lm_errand *errand) {
  struct lm_errand *still = errand;
  if (__atomic_load_n(&errand->state, __ATOMIC_ACQUIRE) == KEPT ||
      atomic_compare_exchange_strong(&call.errand, &still, NULL)) {
    run_errand(errand);
    return;
  }
  int early = __atomic_load_n(&errand->state, __ATOMIC_ACQUIRE) == DONE;
  follow(early);
  if (!early) AWAIT(__atomic_load_n(&errand->state, __ATOMIC_ACQUIRE) == DONE);
}
