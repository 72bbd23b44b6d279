"""Words that a seed is made of: short lists of our own, with the letters, quotes and gaps that real data has."""

FIRST = (
    "Ada", "Bashir", "Chloé", "Dmitri", "Esi", "Fatima", "Gustavo", "Hana", "Ingrid", "Jürgen", "Keiko", "Łukasz",
    "Maëlle", "Ngozi", "Øystein", "Priya", "Quentin", "Rosalía", "Søren", "Thandiwe", "Uma", "Věra",
    "Wilhelm", "Ximena",
    "Yusuf", "Zoë",
)  # fmt: skip
LAST = (
    "Abernathy", "Brånd", "Castañeda", "D'Angelo", "Eze", "Fujimoto", "García Márquez", "Hübner", "Ibrahim",
    "Jónsdóttir",
    "Kowalczyk", "Lindqvist", "Mbeki", "Nguyễn", "O'Sullivan", "Petrović", "Quispe", "Răducanu",
    "Saint-Clair", "Tanaka",
    "Ünal", "van der Berg", "Wójcik", "Xu", "Yücel", "Zielińska",
)  # fmt: skip
SALUTATIONS = ("Ms", "Mr", "Dr", "Mx", None, None)
TITLES = ("Head of Purchasing", "Owner", "Chief Engineer", "Buyer", "Office Manager", "Designer", "Controller", None)
FIRMS = (
    "Harbour & Pine", "Blå Fjord Seafood", "Cobalt Orchard", "Die Werkstatt", "Eastgate Printing", "Ferro y Hijos",
    "Granite Loaf", "Hollow Oak Furniture", "Île Verte Cosmetics", 'Juniper "J2" Systems', "Kestrel Logistics",
    "Lantern Street Books", "Meadow Works", "Northlight Optics", "Old Mill Cycles", "Pórtico Arquitectos",
    "Quarry Lane Dairy", "Rivet & Sons", "Saltmarsh Energy", "Tidewater Labs",
)  # fmt: skip
FORMS = ("Ltd", "GmbH", "AS", "S.L.", "Inc.", "Co-op", "BV", "Pty Ltd")
CITIES = (
    ("Bergen", "Vestland", "5003", "Norway"),
    ("Montréal", "Québec", "H2X 1Y4", "Canada"),
    ("Kraków", "Małopolskie", "31-004", "Poland"),
    ("Portland", "OR", "97201", "United States"),
    ("São Paulo", "SP", "01310-100", "Brazil"),
    ("Nairobi", None, "00100", "Kenya"),
    ("Osaka", "Osaka", "530-0001", "Japan"),
    ("Leeds", "West Yorkshire", "LS1 4AP", "United Kingdom"),
)
STREETS = ("12 Quay Street", "Rue de l'Église 4", "Marktplatz 7", "88 Elm Avenue, Suite 3", "3 Long Lane", None)
DEALS = (
    "Annual supply", "New shop front", "Warehouse move", "Website rebuild", "Staff training", "Cold store upgrade",
    "Fleet of ten", "Packaging trial", "Licence renewal", "Pilot phase",
)  # fmt: skip
CHORES = (
    "Call back about the offer", "Send the revised quote", "Book a room for the demo", "Check the delivery date",
    "Ask for references", "Prepare the contract", "Chase the unpaid invoice", "Write up the meeting",
)  # fmt: skip
TALKS = ("Kick-off meeting", "Site visit", "Product demo", "Quarterly review", "Lunch at Café Österreich")
REMARKS = (
    "Prefers e-mail; calls only after 14:00.",
    'Said: "we\'ll decide in spring".',
    "Budget approved; waits for legal.",
    "<p>Met at the fair.<br/>Wants samples &amp; prices.</p>",
    "Second supplier in the race.\nPrice matters less than delivery.",
)
TAGS = ("customer", "partner", "vip", "newsletter", "trade fair #7", "cold", "résumé", "EU")
INDUSTRIES = ("Manufacturing", "Food & Drink", "Software", "Construction", "Retail", None)
GOODS = (
    "Oak table", "Steel shelf", "LED panel", "Support plan, yearly", "Training day", "Delivery, per pallet",
    "Espresso machine", "Spare part kit", "Paint, 10 l", "Consulting hour",
)  # fmt: skip
TROUBLES = ("Cannot log in", "Wrong item delivered", "Invoice shows old address", "Screen flickers", "How do I export?")
ANSWERS = (
    "Resetting a password",
    "Returning an item",
    "Changing your address",
    "Exporting your data",
    "Reading an invoice",
)
FRUIT = (
    ("Apple", "Green", 12),
    ("Banana", None, 3.2),
    ("Cherry", "Red", 0.1),
    ("Dragon fruit", "Pink", 40),
    ("Elderberry", "Black", None),
)
COUNTRIES = (
    "Argentina", "Australia", "Austria", "Belgium", "Brazil", "Canada", "Chile", "China", "Colombia", "Côte d'Ivoire",
    "Czech Republic", "Denmark", "Egypt", "Finland", "France", "Germany", "Ghana", "Greece", "Hungary", "Iceland",
    "India", "Indonesia", "Ireland", "Israel", "Italy", "Japan", "Kenya", "Korea, Republic of", "Mexico", "Morocco",
    "Netherlands", "New Zealand", "Nigeria", "Norway", "Pakistan", "Peru", "Philippines", "Poland",
    "Portugal", "Romania",
    "Saudi Arabia", "Singapore", "South Africa", "Spain", "Sweden", "Switzerland", "Thailand", "Turkey", "Ukraine",
    "United Arab Emirates", "United Kingdom", "United States", "Uruguay", "Vietnam",
)  # fmt: skip
CURRENCIES = (
    ("AUD", "$"), ("BRL", "R$"), ("CAD", "$"), ("CHF", "CHF"), ("CNY", "¥"), ("CZK", "Kč"), ("DKK", "kr"), ("EUR", "€"),
    ("GBP", "£"), ("INR", "₹"), ("JPY", "¥"), ("KES", "KSh"), ("MXN", "$"), ("NOK", "kr"), ("NZD", "$"), ("PLN", "zł"),
    ("SEK", "kr"), ("TRY", "₺"), ("USD", "$"), ("ZAR", "R"),
)  # fmt: skip
