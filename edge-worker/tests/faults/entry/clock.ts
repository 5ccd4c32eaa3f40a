// A fast clock for objects.

export interface Clock {
  /** When an object's clock shows the real time, in milliseconds since 1970. */
  FAULT_CLOCK_START?: string;
  /** How many times as fast it runs from then on. */
  FAULT_CLOCK_SPEED?: string;
}

interface Read {
  start: number;
  speed: number;
}

export function clockOf({ FAULT_CLOCK_START, FAULT_CLOCK_SPEED }: Clock): Read {
  return { start: Number(FAULT_CLOCK_START ?? 0), speed: Number(FAULT_CLOCK_SPEED ?? 1) };
}

/** What the clock shows now: the same before a restart and after it. */
export function shown({ start, speed }: Read): number {
  return Math.floor(start + (Date.now() - start) * speed);
}

/** Has alarms ring when the clock shows their time. */
export function quicken(storage: DurableObjectStorage, { start, speed }: Read, isSet = () => {}): void {
  const { setAlarm, getAlarm } = storage;
  storage.setAlarm = (time, options) => {
    isSet();
    // Never earlier than the real time at which the object's clock shows it.
    return setAlarm.call(storage, Math.ceil(start + (Number(time) - start) / speed), options);
  };
  storage.getAlarm = async (options) => {
    const alarm = await getAlarm.call(storage, options);
    return alarm === null ? null : Math.floor(start + (alarm - start) * speed);
  };
}
