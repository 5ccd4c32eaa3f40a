// The frame around all screens.

import { useEffect, useRef } from "preact/hooks";
import { AlertsScreen } from "./alerts";
import { AuditScreen } from "./audit";
import { Done } from "./dialog";
import { EventScreen } from "./event";
import { EventsScreen } from "./events";
import { JobScreen } from "./job";
import { JobsScreen } from "./jobs";
import { Overview } from "./overview";
import { Empty } from "./parts";
import { ReplayScreen } from "./replay";
import { ReplaysScreen } from "./replays";
import { href, type Route, useRoute } from "./route";
import { Search } from "./search";
import { SessionProvider, SignIn, useSession } from "./session";

const NAME = "nextapi edge";
const SIGN_IN = "sign in";

const SCREENS: [screen: string, name: string][] = [
  ["", "Overview"],
  ["events", "Events"],
  ["jobs", "Jobs"],
  ["replays", "Replays"],
  ["alerts", "Alerts"],
  ["audit", "Audit log"],
];

export function App() {
  const session = useSession();
  const route = useRoute();
  const { who } = session;
  useFocusOnChange(route, who === null, session.isByHand);
  if (who === null) return <SignIn {...session} />;
  return (
    <SessionProvider value={who}>
      <button type="button" class="skip" onClick={skip}>
        To the content
      </button>
      <header>
        <a class="brand" href="#/">
          nextapi edge
        </a>
        <nav aria-label="Screens">
          {SCREENS.map(([screen, name]) => (
            <a key={screen} href={href(screen)} aria-current={route.screen === screen ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <Search />
        <p class="who">
          <span>
            {who.name} <span class="faint">({who.role})</span>
          </span>
          <button type="button" onClick={session.signOut}>
            Sign out
          </button>
        </p>
      </header>
      <Done />
      <main id="main" tabIndex={-1}>
        <Screen route={route} />
      </main>
      <footer>Times are UTC. The page shows no bodies, prompts or secrets: it has none.</footer>
    </SessionProvider>
  );
}

function Screen({ route: { screen, id, parameters } }: { route: Route }) {
  switch (screen) {
    case "":
      return <Overview />;
    case "events":
      return id === null ? <EventsScreen parameters={parameters} /> : <EventScreen key={id} id={id} />;
    case "jobs":
      return id === null ? <JobsScreen parameters={parameters} /> : <JobScreen key={id} id={id} />;
    case "replays":
      return id === null ? <ReplaysScreen parameters={parameters} /> : <ReplayScreen key={id} id={id} />;
    case "alerts":
      return <AlertsScreen />;
    case "audit":
      return <AuditScreen />;
    default:
      return (
        <Empty>
          <p>
            There is no such place. <a href="#/">Go to the overview.</a>
          </p>
        </Empty>
      );
  }
}

/** `Events`, or of one of them `Event` and what names it. */
function title(screen: string, id: string | null): string {
  const [, name = "Nowhere"] = SCREENS.find(([it]) => it === screen) ?? [];
  return id === null ? name : `${name.replace(/s$/, "")} ${id}`;
}

/** No link: the address's `#` is the screen's. */
function skip() {
  document.getElementById("main")?.focus();
}

/** Whoever comes to another place begins at its top, and a screen reader reads it. */
function useFocusOnChange({ screen, id }: Route, isSigningIn: boolean, isByHand: boolean) {
  const place = isSigningIn ? SIGN_IN : `${screen}/${id ?? ""}`;
  const last = useRef(place);
  useEffect(() => {
    document.title = isSigningIn ? NAME : `${title(screen, id)} – ${NAME}`;
    if (last.current === place) return;
    const isFirst = last.current === SIGN_IN && !isByHand;
    last.current = place;
    // Whoever has just loaded the page begins before the navigation.
    if (isFirst) return;
    scrollTo({ top: 0 });
    document.getElementById("main")?.focus();
  }, [place]);
}
