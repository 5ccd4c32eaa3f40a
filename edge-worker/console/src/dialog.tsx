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

let tell: (text: string) => void = () => {};

/** What was done last, for who does not see the dialog close. */
export function Done() {
  const [text, setText] = useState("");
  useEffect(() => {
    tell = setText;
  }, []);
  return (
    <div role="status" class="unseen">
      {text}
    </div>
  );
}

/** A button that asks once. */
export function Act({ act, title, children, run, done, isDangerous = false }: Question) {
  const dialog = useRef<HTMLDialogElement>(null);
  const wasOpened = useRef(false);
  // What is on its way cannot be left, nor begun twice, not even before the buttons are drawn anew.
  const isRunning = useRef(false);
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const { name } = useWhoami();

  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);

  // An act may end what it can be done to, and its button goes with it: then the focus has to go somewhere.
  useEffect(
    () => () => {
      const { activeElement, body } = document;
      const isLost = activeElement === null || activeElement === body;
      if (wasOpened.current && isLost) document.getElementById("main")?.focus({ preventScroll: true });
    },
    [],
  );

  const open = () => {
    wasOpened.current = true;
    setProblem(null);
    tell("");
    setOpen(true);
  };

  const confirm = async () => {
    if (isRunning.current) return;
    isRunning.current = true;
    setBusy(true);
    setProblem(null);
    try {
      await run();
      isRunning.current = false;
      tell(`${act}: accepted by the edge.`);
      dialog.current?.close();
      done();
    } catch (error) {
      isRunning.current = false;
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };

  /** The browser may close it all the same, at a second Escape. */
  const closed = () => {
    if (isRunning.current) dialog.current?.showModal();
    else setOpen(false);
  };

  return (
    <>
      <button type="button" class={isDangerous ? "danger" : ""} onClick={open}>
        {act}
      </button>
      {isOpen && (
        <dialog
          ref={dialog}
          aria-label={title}
          onCancel={(event) => isRunning.current && event.preventDefault()}
          onClose={closed}
        >
          <h2>{title}</h2>
          {children}
          <p class="faint">It stands in the audit log under the name {name}.</p>
          <div role="alert">{problem && <p class="trouble">{problem}</p>}</div>
          <p class="buttons">
            <button type="button" disabled={isBusy} onClick={() => dialog.current?.close()}>
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
