/**
 * From which severity on somebody is told. Must not know of whom.
 *
 * @module
 */

import type { JSX } from "preact";
import { words } from "../words/words.ts";
import { OneOf } from "./fields.tsx";

/** One of the two. */
export function SeverityField(
  { chosen, onChange }: { chosen: string; onChange: (id: string) => void },
): JSX.Element {
  const t = words.value.settings;
  return (
    <OneOf
      label={t.ruleSeverity}
      options={(["high", "low"] as const).map((id) => ({ id, name: t.fromSeverity[id] }))}
      chosen={chosen}
      onChange={onChange}
    />
  );
}
