/**
 * A page's heading, its title in the window, and where the focus goes when it is opened.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { words } from "../words/words.ts";

/** Whether a page was shown before: only then somebody came from there. */
let came = false;

/** The heading and what is under it. `id` tells one page from another of its kind. */
export function Page(
  { title, id, beside, children }: {
    title: string;
    id: string;
    /** Beside the heading. */
    beside?: ComponentChildren;
    children: ComponentChildren;
  },
): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – ${words.value.product}`;
  });
  useEffect(() => {
    // Whoever went on at once, as into the search, is where they want to be.
    const inside = heading.current?.closest("main")?.contains(document.activeElement);
    if (came && !inside) heading.current?.focus({ preventScroll: true });
    came = true;
  }, [id]);
  return (
    <div class="page">
      <div class="heading">
        <h1 ref={heading} tabIndex={-1}>{title}</h1>
        {beside}
      </div>
      {children}
    </div>
  );
}
