// The ledger's Durable Object: the platform's half of core/src/ledger.

import { DurableObject } from "cloudflare:workers";
import { makeAttempts } from "./attempts";
import type { Attempt } from "./border";
import { message } from "./drive";
import { type Env, edge, restart } from "./instance";
import { reportCounts } from "./report";
import { Storage } from "./storage";

/** Pause before the next alarm, in milliseconds, if not even the Rust code could set one. */
const ALARM_PAUSE_MS = 60_000;

export class Ledger extends DurableObject<Env> {
  #storage: Storage | undefined;
  #isStarted = false;

  /** Applies a call, with the body that came along, and gives the reply; both are RPC messages. */
  async call(message: string, body?: Uint8Array): Promise<string> {
    const storage = this.#storage ?? (await this.#open());
    // From here on nothing waits, and that is the point: core/src/ledger/mod.rs says why.
    const reply = this.#guarded((edge) => {
      this.#start(edge, storage);
      return storage.withBody(body, () => edge.callObject(storage, message, this.now()));
    });
    await storage.settled();
    return reply;
  }

  /**
   * Fails only if no successor could be set. The platform gives an alarm up for good after seven failures,
   * unless another one is set.
   */
  override async alarm(): Promise<void> {
    try {
      const storage = this.#storage ?? (await this.#open());
      storage.alarmRings();
      const expired = this.#guarded((edge) => {
        const expired = edge.ringAlarm(storage, this.#isStarted, this.now());
        this.#isStarted = true;
        return expired;
      });
      for (const line of expired) console.error(line);
      await this.#makeAttempts(storage);
    } catch (error) {
      console.error(`the alarm failed: ${message(error)}`);
      const next = this.now() + ALARM_PAUSE_MS;
      if (this.#storage === undefined) await this.ctx.storage.setAlarm(next);
      else if (this.#storage.alarm === undefined) this.#storage.setAlarm(next);
    }
    await this.#storage?.settled();
  }

  /** Makes the attempts that are due, and has the alarm ring for the next one. */
  async #makeAttempts(storage: Storage): Promise<void> {
    const take = (limit: number): Attempt[] =>
      JSON.parse(this.#guarded((edge) => edge.takeAttempts(storage, limit, this.now())));
    const { bodyStatement } = edge(this.env);
    const body = ({ key, meta }: Attempt) => storage.body(bodyStatement, meta.job_id ?? "", key);
    // A Worker has the reply only once everything written before is on disk; here nothing would wait for it.
    const call = async (text: string) => {
      const reply = await this.call(text);
      await this.ctx.storage.sync();
      return reply;
    };
    const made = await makeAttempts({ take, body, call }, this.env);
    if (made > 0) this.#guarded((edge) => edge.restObject(storage, this.now()));
    // What these attempts have counted went along with their commits, but for the latest.
    if (made > 0) this.ctx.waitUntil(reportCounts(this.env));
  }

  /** The object's clock, in milliseconds since 1970. */
  protected now(): number {
    return Date.now();
  }

  /** Opens the storage: once in the object's life, since its memory knows afterwards what is pending. */
  async #open(): Promise<Storage> {
    const alarm = (await this.ctx.storage.getAlarm()) ?? undefined;
    const frequent = this.#guarded((edge) => edge.frequentStatements);
    this.#storage ??= new Storage(this.ctx.storage, frequent, alarm);
    return this.#storage;
  }

  #start(instance: ReturnType<typeof edge>, storage: Storage): void {
    if (this.#isStarted) return;
    instance.startObject(storage, this.now());
    this.#isStarted = true;
  }

  #guarded<T>(work: (instance: ReturnType<typeof edge>) => T): T {
    try {
      return work(edge(this.env));
    } catch (error) {
      restart(error);
      throw error;
    } finally {
      this.#storage?.writeAlarm();
    }
  }
}
