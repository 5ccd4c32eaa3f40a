// What may be done to one event.

import type { Event } from "./answers";
import { post } from "./api";
import { Act } from "./dialog";
import { useMayAct } from "./session";

const REPLAYED = ["dead", "done", "waiting"];
const REOPENED = ["open", "done", "dropped"];

export function EventActs({ event, done }: { event: Event; done: () => void }) {
  const mayAct = useMayAct();
  const { key, state, event_type, job_id } = event;
  if (!mayAct) return null;
  const what = (
    <>
      <b>{event_type ?? "the event"}</b>
      {job_id && (
        <>
          {" "}
          of job <b>{job_id}</b>
        </>
      )}
    </>
  );
  return (
    <p class="buttons">
      {REPLAYED.includes(state) && (
        <Act
          act="Replay"
          title="Deliver this event anew?"
          run={() => post(`events/${key}/replay`)}
          done={done}
        >
          <p>
            1 event goes to the origin: {what}, with the same <code>Idempotency-Key</code> as before, when the
            events of its job before it are out of the way. If it fails, it is tried again on the usual
            schedule.
            {state === "done" &&
              " The origin has it already, and gets it a second time, if its bytes are still kept."}
          </p>
        </Act>
      )}
      {REOPENED.includes(state) && (
        <Act
          act="Reopen"
          title="Forward the next delivery of this event?"
          run={() => post(`events/${key}/reopen`)}
          done={done}
        >
          <p>
            Nothing is sent now. When the provider delivers {what} the next time, that 1 delivery is forwarded
            to the origin{state === "done" ? ", although the origin has the event" : ""}.
          </p>
        </Act>
      )}
    </p>
  );
}
