/**
 * A time: in words of now, with the exact one for who wants it.
 *
 * @module
 */

import type { JSX } from "preact";
import { now } from "../clock.ts";
import { format } from "../format.ts";

/** A time, milliseconds since the Unix epoch or RFC 3339. */
export function When(
  { at, as = "ago" }: { at: number | string; as?: "ago" | "moment" | "time" },
): JSX.Element {
  const ms = typeof at === "number" ? at : Date.parse(at);
  const write = format.value;
  const text = as === "ago"
    ? write.ago(ms, now.value)
    : as === "moment"
    ? write.moment(ms, now.value)
    : write.time(ms);
  return (
    <time
      dateTime={new Date(ms).toISOString()}
      // Written when it is wanted: for hundreds of rows it would take longer than to draw them.
      onPointerEnter={(event) => event.currentTarget.title = write.exact(ms)}
    >
      {text}
    </time>
  );
}
