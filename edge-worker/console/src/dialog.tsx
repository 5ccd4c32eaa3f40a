// The one question before an act.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useWhoami } from "./session";

interface Question {
  /** What the button is called that opens it, and the one that confirms. */
  act: string;
  title: string;
  /** What will happen, and to how many. */
  children: ComponentChildren;
  /** Does it. What it throws is shown, and the dialog stays open. */
  run: () => Promise<unknown>;
  done: () => void;
  isDangerous?: boolean;
}

/** A button that asks once. */
export function Act({ act, title, children, run, done, isDangerous = false }: Question) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const { name } = useWhoami();

  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);

  const confirm = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await run();
      dialog.current?.close();
      done();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };

  return (
    <>
      <button type="button" class={isDangerous ? "danger" : ""} onClick={() => setOpen(true)}>
        {act}
      </button>
      {isOpen && (
        <dialog ref={dialog} aria-label={title} onClose={() => setOpen(false)}>
          <h2>{title}</h2>
          {children}
          <p class="faint">It stands in the audit log under the name {name}.</p>
          <div role="alert">{problem && <p class="trouble">{problem}</p>}</div>
          <p class="buttons">
            <button type="button" onClick={() => dialog.current?.close()}>
              Leave it
            </button>
            <button type="button" class={isDangerous ? "danger" : "main"} disabled={isBusy} onClick={confirm}>
              {isBusy ? "Asking…" : act}
            </button>
          </p>
        </dialog>
      )}
    </>
  );
}
