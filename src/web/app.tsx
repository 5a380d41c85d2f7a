/**
 * The dashboard: which page an address is, and the beginning of everything.
 *
 * @module
 */

import { type JSX, render } from "preact";
import { startClock } from "./clock.ts";
import { listenToKeys } from "./keyboard.ts";
import { many } from "./live/many.ts";
import { AddPage } from "./pages/add.tsx";
import { ContainersPage } from "./pages/containers.tsx";
import { HistoryPage } from "./pages/history.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SettingsPage } from "./pages/settings.tsx";
import { WorkloadPage } from "./pages/workload.tsx";
import { Announcer } from "./parts/announcer.tsx";
import { Login } from "./parts/login.tsx";
import { Empty, Loading } from "./parts/notice.tsx";
import { Page } from "./parts/page.tsx";
import { Shell } from "./parts/shell.tsx";
import { followAddress, href, path } from "./place.ts";
import { announceProblems } from "./problems_said.ts";
import { session, startSession } from "./session.ts";
import { applySettings } from "./settings_here.ts";
import { words } from "./words/words.ts";

function App(): JSX.Element {
  const { kind } = session.value;
  return (
    <>
      {kind === "in"
        ? (
          <Shell>
            <Here />
          </Shell>
        )
        : kind === "out"
        ? <Login />
        : <Starting />}
      <Announcer />
    </>
  );
}

function Starting(): JSX.Element {
  return (
    <main class="login" id="main">
      <Loading text={words.value.live.connecting} />
    </main>
  );
}

/** The page of the address. */
function Here(): JSX.Element {
  const [, name = "", ...rest] = path.value.split("/");
  if (rest.length === 0) {
    switch (name) {
      case "":
        return <OverviewPage />;
      case "containers":
        return <ContainersPage />;
      case "add":
        if (many.value) break;
        return <AddPage />;
      case "history":
        return <HistoryPage />;
      case "settings":
        return <SettingsPage />;
    }
  }
  if (name === "workloads" && rest.length === 1 && rest[0] !== "") {
    return <WorkloadPage id={decoded(rest[0]!)} />;
  }
  const t = words.value.common;
  return (
    <Page title={t.notFound} id="none">
      <Empty title={path.value}>
        <a href={href("/")}>{t.toOverview}</a>
      </Empty>
    </Page>
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

applySettings();
followAddress();
listenToKeys();
startClock();
announceProblems();
render(<App />, document.body);
startSession();
