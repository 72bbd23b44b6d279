/* Crosswalk: open the link page from your own site.
 *
 *   <script src="https://hub.example.com/link.js"></script>
 *   const linked = await crosswalk.authenticate(linkToken);          // {result, integration, integrated_account_id}
 *
 * `authenticate(linkToken, {mode, hub})`: mode "iframe" (default), "popup" or "window"; `hub` is the hub's address where
 * this file is served from elsewhere. It rejects with an Error that has `result: "error"`, `error` and `error_type`.
 */
(() => {
  "use strict";
  const own = document.currentScript ? new URL(document.currentScript.src).origin : null;
  const SIZE = { width: 520, height: 720 };

  function refusal(error, kind) {
    return Object.assign(new Error(error), { result: "error", error, error_type: kind });
  }

  /** Wait for the page's one message: from the hub's origin, and from the window that was opened. */
  function hear(hub, from, end) {
    return new Promise((resolve, reject) => {
      const hearing = (event) => {
        if (event.origin !== hub || event.source !== from() || !event.data || !event.data.result) return;
        stop();
        if (event.data.result === "success") resolve(event.data);
        else reject(refusal(event.data.error, event.data.error_type));
      };
      const stop = () => {
        window.removeEventListener("message", hearing);
        end.stop();
      };
      window.addEventListener("message", hearing);
      end.closed = () => {
        stop();
        reject(refusal("The window was closed before an account was connected", "closed"));
      };
    });
  }

  function inFrame(url, hub) {
    const dialog = document.createElement("dialog");
    const frame = document.createElement("iframe");
    const close = document.createElement("button");
    Object.assign(dialog.style, { padding: "0", border: "0", borderRadius: "12px", width: `min(${SIZE.width}px, 100vw)`,
      height: `min(${SIZE.height}px, 100dvh)`, maxWidth: "100vw", maxHeight: "100dvh", overflow: "hidden" });
    Object.assign(frame.style, { border: "0", width: "100%", height: "100%" });
    Object.assign(close.style, { position: "absolute", top: "8px", right: "8px", width: "36px", height: "36px",
      border: "0", borderRadius: "50%", font: "20px/1 sans-serif", cursor: "pointer" });
    frame.src = url;
    frame.title = "Connect Insightly";
    frame.referrerPolicy = "no-referrer";
    close.type = "button";
    close.textContent = "\u00d7";
    close.setAttribute("aria-label", "Close");
    dialog.setAttribute("aria-label", "Connect Insightly");
    dialog.append(frame, close);
    document.body.append(dialog);
    const end = { stop: () => dialog.remove(), closed: () => {} };
    const heard = hear(hub, () => frame.contentWindow, end);
    close.addEventListener("click", () => end.closed());
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      end.closed();
    });
    dialog.showModal();
    return heard;
  }

  function inPopup(url, hub) {
    const left = window.screenX + Math.max(0, (window.outerWidth - SIZE.width) / 2);
    const popup = window.open(url, "crosswalk-link", `popup,width=${SIZE.width},height=${SIZE.height},left=${left}`);
    if (!popup) return Promise.reject(refusal("The browser blocked the window; open it from a click", "blocked"));
    const end = { stop: () => clearInterval(watch), closed: () => {} };
    const watch = setInterval(() => popup.closed && setTimeout(() => end.closed(), 200), 400);
    return hear(hub, () => popup, end);
  }

  function authenticate(linkToken, options = {}) {
    const { mode = "iframe", hub = own } = options;
    if (!hub) return Promise.reject(refusal("Name the hub: authenticate(linkToken, {hub: 'https://…'})", "wrong_use"));
    if (!/^cl_[\w-]{43}$/.test(linkToken)) return Promise.reject(refusal("This is no link token", "wrong_use"));
    const origin = new URL(hub).origin;
    const url = `${origin}/link/${linkToken}`;
    if (mode === "iframe") return inFrame(url, origin);
    if (mode === "popup") return inPopup(url, origin);
    if (mode === "window") {
      window.location.assign(url);
      return new Promise(() => {});
    }
    return Promise.reject(refusal(`There is no mode '${mode}': iframe, popup or window`, "wrong_use"));
  }

  window.crosswalk = Object.assign(window.crosswalk || {}, { authenticate });
})();
