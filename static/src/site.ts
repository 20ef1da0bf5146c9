import "./site.css";
import { createSite } from "./pages";

createSite(document);
