// The page of the field mapper: an account is chosen, and its element gets the page's own token.

const { call } = await import(document.getElementById("script").dataset.kit);

const [mapper, account] = [document.getElementById("mapper"), document.getElementById("account")];
const LASTS = 50 * 60_000; // a pass lasts an hour

function begin() {
  const chosen = account.value;
  mapper.setAttribute("account", chosen);
  mapper.getToken = async () => {
    const { token } = await call("POST", "/mapper/tokens", { account: chosen });
    return { token, expires_at: new Date(Date.now() + LASTS).toISOString() };
  };
}

account.addEventListener("change", begin);
await customElements.whenDefined("crosswalk-field-mapper");
begin();
