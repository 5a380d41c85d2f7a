/**
 * A question over the page. The browser's own: it keeps the focus, and gives it back.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { words } from "../words/words.ts";

/** Open for as long as it is rendered. */
export function Dialog(
  { title, onClose, onSubmit, children, actions }: {
    title: string;
    onClose: () => void;
    /** Called by Enter in a field, and by a button of type `submit` among the actions. */
    onSubmit?: () => void;
    children?: ComponentChildren;
    /** Beside the button that closes it. */
    actions?: ComponentChildren;
  },
): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === ref.current && onClose()}
    >
      <form
        class="dialog"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit?.();
        }}
      >
        <h2 id={id}>{title}</h2>
        {children}
        <div class="actions">
          {actions}
          <button type="button" onClick={onClose}>
            {actions === undefined ? words.value.common.close : words.value.common.cancel}
          </button>
        </div>
      </form>
    </dialog>
  );
}
