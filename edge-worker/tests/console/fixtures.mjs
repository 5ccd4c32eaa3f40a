// Two hours of history, which no test can wait for: as the edge would tell it.

/** The sample of this place of so many, which are so many seconds apart. @param {number[]} place */
function sample([index = 0, count = 0, step = 0]) {
  const wave = Math.round(40 + 25 * Math.sin(index / 9));
  const isOut = index > 70 && index < 84;
  return {
    at: new Date(Date.now() - (count - 1 - index) * step * 1000).toISOString(),
    outcomes: {
      accepted: wave,
      duplicate: Math.round(wave / 12),
      forwarded: isOut ? 0 : wave,
      ...(isOut && { origin_unreachable: 9, origin_failed: 4 }),
      ...(index % 17 === 0 && { signature_mismatch: 3 }),
    },
    waiting: isOut ? wave * (index - 70) : 2,
    oldest_waiting_seconds: isOut ? 60 * (index - 70) : 3,
    dead: 0,
    jobs_open: 4,
    jobs_overdue: 0,
    is_complete: true,
  };
}

export const HISTORY = {
  step_seconds: 60,
  samples: Array.from({ length: 120 }, (_, index) => sample([index, 120, 60])),
  long_step_seconds: 900,
  long_samples: Array.from({ length: 96 }, (_, index) => sample([index, 96, 900])),
};

export const ALERTS = {
  checked_at: new Date().toISOString(),
  is_sent: true,
  rules: [
    { rule: "oldest_waiting > 30m", state: "quiet", value: 3, since: null },
    { rule: "dead > 0", state: "firing", value: 3, since: "2026-11-29T18:40:00.000Z" },
    { rule: "origin_failed > 10 for 10m", state: "pending", value: 12, since: "2026-11-29T18:55:00.000Z" },
  ],
  notifications: [
    {
      rule: "dead > 0",
      kind: "firing",
      at: "2026-11-29T18:40:00.000Z",
      attempts: 1,
      next_attempt: null,
      fate: "sent",
      status: 200,
    },
  ],
};
