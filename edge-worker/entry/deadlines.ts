/**
 * The longest that the timer is set for, in milliseconds: the shortest of the usual deadlines. So a request
 * that is quick sets one timer in all. Each takes a tenth of the time that a refusal takes.
 */
const TICK_MS = 3000;

/** The deadlines of one request, with one timer for all of them. */
export class Deadlines {
  #pending: { due: number; late: () => void }[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When the timer goes off. */
  #rings = 0;

  /** What a promise comes to, unless that takes longer than so many milliseconds: then what `late` gives. */
  within<T, L>(milliseconds: number, promise: Promise<T>, late: () => L): Promise<T | L> {
    return new Promise((resolve, reject) => {
      const pending = { due: Date.now() + milliseconds, late: () => resolve(late()) };
      const settled = () => {
        this.#pending = this.#pending.filter((other) => other !== pending);
      };
      this.#pending.push(pending);
      this.#ringBy(pending.due);
      promise.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error) => {
          settled();
          reject(error);
        },
      );
    });
  }

  /** The request is over. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #ringBy(due: number): void {
    const rings = Math.min(due, Date.now() + TICK_MS);
    if (this.#timer !== null && this.#rings <= rings) return;
    clearTimeout(this.#timer);
    this.#rings = rings;
    this.#timer = setTimeout(() => this.#ring(), rings - Date.now());
  }

  #ring(): void {
    this.#timer = null;
    const now = Date.now();
    const overdue = this.#pending.filter(({ due }) => due <= now);
    this.#pending = this.#pending.filter(({ due }) => due > now);
    for (const { late } of overdue) late();
    const next = Math.min(...this.#pending.map(({ due }) => due));
    if (Number.isFinite(next)) this.#ringBy(next);
  }
}
