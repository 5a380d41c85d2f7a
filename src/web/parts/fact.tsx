/**
 * One thing that is known, in a list of such: what it is called, and what it is.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";

/** It, within a `dl`. */
export function Fact(
  { name, children }: { name: ComponentChildren; children: ComponentChildren },
): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
