// Who looks: the token's name and what it may do.

import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type { Whoami } from "./answers";
import { get, onDoubt, Problem } from "./api";
import { setNow } from "./now";
import { dropToken, keepToken, token } from "./token";

const UNKNOWN = "The edge does not know this token.";

const Session = createContext<Whoami>({ name: "", role: "" });
export const SessionProvider = Session.Provider;

export function useWhoami(): Whoami {
  return useContext(Session);
}

/** Whether whoever looks may also act. */
export function useMayAct(): boolean {
  return useWhoami().role === "operate";
}

/** How often a token that the edge seems not to know is asked about, in milliseconds. */
const DOUBT_EVERY_MS = 30_000;

/** The session of this tab: none before the edge has said whose the token is. */
export function useSession() {
  const [who, setWho] = useState<Whoami | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(token() !== null);

  const doubted = useRef(Number.NEGATIVE_INFINITY);
  const isByHand = useRef(false);

  const ask = async () => {
    setAsking(true);
    try {
      const found = await get<Whoami>("whoami");
      if (found.time !== undefined) setNow(found.time);
      if (found.role === "submit") {
        dropToken();
        setProblem("This token registers jobs and may not look: take one of the role `read` or `operate`.");
      } else {
        setWho(found);
        setProblem(null);
      }
    } catch (error) {
      const isUnknown = error instanceof Problem && (error.status === 404 || error.status === 401);
      if (isUnknown) {
        dropToken();
        setWho(null);
      }
      setProblem(isUnknown ? UNKNOWN : (error as Error).message);
    }
    setAsking(false);
  };

  // Once, for a token that the tab has already.
  useEffect(() => {
    if (token() !== null) ask();
  }, []);

  // A page that goes on asking with a token that was withdrawn would count as somebody who guesses.
  useEffect(() => {
    onDoubt(() => {
      if (token() === null || Math.abs(Date.now() - doubted.current) < DOUBT_EVERY_MS) return;
      doubted.current = Date.now();
      ask();
    });
  }, []);

  return {
    who,
    problem,
    isAsking,
    /** Whether somebody has signed in or out, and the tab did not come with its token. */
    isByHand: isByHand.current,
    signIn: (text: string) => {
      isByHand.current = true;
      // A header has room for nothing else, and no token has it.
      if (!/^[\x21-\x7e]+$/.test(text)) return setProblem(UNKNOWN);
      keepToken(text);
      return ask();
    },
    signOut: () => {
      dropToken();
      setWho(null);
      setProblem(null);
    },
  };
}

/** Asks for the token. */
export function SignIn({
  problem,
  isAsking,
  signIn,
}: {
  problem: string | null;
  isAsking: boolean;
  signIn: (text: string) => void;
}) {
  const [text, setText] = useState("");
  return (
    <main class="sign-in" id="main" tabIndex={-1}>
      <h1>nextapi edge</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== "") signIn(text.trim());
        }}
      >
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          aria-describedby="token-help"
        />
        <button type="submit" class="main" disabled={isAsking}>
          {isAsking ? "Asking…" : "Open"}
        </button>
        <div role="alert">{problem && <p class="trouble">{problem}</p>}</div>
        <p id="token-help" class="faint">
          An admin token of this deployment: <code>ADMIN_TOKEN</code>, or one of <code>ADMIN_TOKENS</code>. It
          is kept until you close this tab, and sent to this edge alone.
        </p>
      </form>
    </main>
  );
}
