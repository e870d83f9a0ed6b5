// Everything a page needs besides htmx: each module watches the document, so fragments need no second set-up.
import "./messages.js";
import "./menus.js";
import "./dialogs.js";
import "./palette.js";
import "./rows.js";
import "./cells.js";
import "./forms.js";
import "./focus.js";
import "./moved.js";
import "./mention.js";
import "./picker.js";
import "./drafts.js";
import "./theme.js";
import "./scrolling.js";
